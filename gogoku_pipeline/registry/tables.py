"""The tables of this room: champions, the gate's answers, the list of each evening, and the scores behind it."""

from __future__ import annotations

from typing import get_args

import polars as pl

from gogoku_pipeline.evaluation.verdict import Decision
from gogoku_pipeline.schema.columns import JST_INSTANT, Column, OlderRows
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table

_MODEL = Column("model", pl.String, "Name of the recipe, e.g. lightgbm.")
_FEATURE_HASH = Column("feature_hash", pl.String, "Hash of the feature catalogue the model was trained on.")

CHAMPIONS = Table(
    name="registry__champions",
    description=(
        "One verdict on one model version. Append-only: the champion of a day is the newest promotion decided for "
        "that day or earlier, so no row is ever changed. `recorded_at` is when the verdict was written down, which in "
        "a historical simulation is long after the day it was decided for."
    ),
    columns=(
        Column("decided_for", pl.Date, "First session the verdict applies to."),
        Column("recorded_at", JST_INSTANT, "Instant the verdict was written down."),
        _MODEL,
        Column("version", pl.String, "Version of its trained files."),
        Column("decision", pl.String, "What the gate said.", allowed=get_args(Decision)),
        Column("reasons", pl.String, "Why, as a JSON list of sentences."),
        Column("cutoff", pl.Date, "Last session whose labels the version was trained on."),
        Column("config_hash", pl.String, "Hash of the gate's registered terms."),
        _FEATURE_HASH,
        Column("recipe_hash", pl.String, "Hash of the recipe's configuration.", nullable=True, older=OlderRows()),
    ),
    key=("decided_for", "model", "version", "recorded_at"),
    partitioned=False,
)

REFRESHES = Table(
    name="registry__refreshes",
    description=(
        "One refresh of a promoted recipe: newer weights of the same design, and what the cheap checks said of them. "
        "Append-only. The newest accepted refresh up to a session serves on it; after a rejected one yesterday's "
        "weights go on. A null figure could not be measured, which rejects. Refreshes are not trials."
    ),
    columns=(
        Column("decided_for", pl.Date, "First session it may serve: its cut-off."),
        Column("recorded_at", JST_INSTANT, "Instant the answer was written down."),
        _MODEL,
        Column("version", pl.String, "Version of the fresh files."),
        Column("promoted_version", pl.String, "Version whose promotion it refreshes."),
        Column("previous_version", pl.String, "Version it was compared with: yesterday's weights.", nullable=True),
        Column("decision", pl.String, "What the checks said.", allowed=("accepted", "rejected")),
        Column("reasons", pl.String, "Every check in a sentence with its figures, as a JSON list."),
        Column(
            "unique_ratio", pl.Float64, "Share of different scores on its session, of the worst seed.", nullable=True
        ),
        Column("score_std", pl.Float64, "Standard deviation of those scores, of the worst seed.", nullable=True),
        Column("rank_correlation", pl.Float64, "Of its scores with yesterday's weights'.", nullable=True),
        Column("correlation_floor", pl.Float64, "What that must reach."),
        Column("rank_ic", pl.Float64, "Mean daily RankIC over its validation sessions.", nullable=True),
        Column("rank_ic_low", pl.Float64, "Lower end of the band.", nullable=True),
        Column("rank_ic_high", pl.Float64, "Upper end of the band.", nullable=True),
        Column("validation_days", pl.Int32, "Validation sessions with a RankIC.", "sessions", at_least=0),
        Column("config_hash", pl.String, "Hash of the recipe's configuration."),
        _FEATURE_HASH,
    ),
    key=("decided_for", "model", "version", "promoted_version"),
    partitioned=False,
)

GATE = Table(
    name="eval__gate",
    description=(
        "One criterion of the gate for one challenger at one training cut-off (`session`). A null `is_passed` means "
        "the question does not apply to this model; the words say why. A null value could not be measured. One "
        "challenger of a cut-off is promoted at most; another of which every criterion holds is passed over."
    ),
    columns=(
        SESSION,
        Column("challenger", pl.String, "Model that was judged."),
        Column("baseline", pl.String, "Model it was paired with."),
        Column("criterion", pl.String, "Short name of the question."),
        Column("decision", pl.String, "What the whole gate said.", allowed=get_args(Decision)),
        Column("value", pl.Float64, "What was measured.", nullable=True),
        Column("threshold", pl.Float64, "What it is compared with.", nullable=True),
        Column("is_passed", pl.Boolean, "Whether the criterion holds.", nullable=True),
        Column("words", pl.String, "The answer in one sentence."),
        Column("on_failure", pl.String, "What a failure leads to.", allowed=("reject", "inconclusive")),
        Column("place", pl.Int16, "Order in which the question is asked.", at_least=0),
        Column("reasons", pl.String, "Why the gate decided so, as a JSON list of sentences."),
        Column("paired_days", pl.Int32, "Days on which both models have a ranking.", "sessions", at_least=0),
        Column("edge", pl.Float64, "Mean daily RankIC difference to the baseline.", nullable=True),
        Column("edge_low", pl.Float64, "Lower bound of that difference.", nullable=True),
        Column("edge_high", pl.Float64, "Upper bound of that difference.", nullable=True),
        Column("detectable_effect", pl.Float64, "Smallest true difference these days find.", nullable=True),
        Column(
            "more_sessions",
            pl.Int64,
            "Further sessions that would settle the registered edge; null when it cannot be said.",
            "sessions",
            nullable=True,
        ),
        Column("is_suspect", pl.Boolean, "RankIC above what is plausible on a real market."),
        Column("config_hash", pl.String, "Hash of the gate's registered terms."),
        AVAILABLE_AT,
    ),
    key=("session", "challenger", "criterion"),
)

PREDICTIONS = Table(
    name="pred__daily",
    description=(
        "One stock in the ranked list of one session, rank 1 the best, made after the close for the next open. "
        "Equal scores are ordered by code. Each row carries what made it: model version, feature hash, table versions. "
        "Four outcomes in five should lie inside the interval, which was calibrated on days before the version's "
        "cut-off; it is null, with a reason, where the version keeps no calibration."
    ),
    columns=(
        SESSION,
        CODE,
        Column("rank", pl.Int32, "Place in the list, 1 is best.", "", at_least=1),
        Column("score", pl.Float64, "The model's score; only its order means anything."),
        Column("horizon_d", pl.Int16, "Sessions the score looks ahead.", "sessions", at_least=1),
        Column(
            "interval_low",
            pl.Float64,
            "Lower end of the 80 % interval of the open-to-open return minus the universe's mean.",
            "ratio",
            nullable=True,
            older=OlderRows(),
        ),
        Column("interval_high", pl.Float64, "Upper end of that interval.", "ratio", nullable=True, older=OlderRows()),
        Column(
            "interval_reason",
            pl.String,
            "Why there is no interval; null where there is one, and in lists from before there were any.",
            nullable=True,
            older=OlderRows(),
        ),
        _MODEL,
        Column("model_version", pl.String, "Version of its trained files."),
        _FEATURE_HASH,
        Column("table_versions", pl.String, "Versions of the tables that were read, as JSON."),
        Column("served_because", pl.String, "Why this model served."),
        AVAILABLE_AT,
    ),
    key=("session", "code", "horizon_d"),
)

SHADOW = Table(
    name="pred__shadow",
    description=(
        "One score of the champion or of the baseline for one session, made in the evening whichever of them served. "
        "A champion's live record is read from here, so it goes on while the champion is suspended. Scores are only "
        "comparable inside one session and model."
    ),
    columns=(
        SESSION,
        CODE,
        Column("horizon_d", pl.Int16, "Sessions the score looks ahead.", "sessions", at_least=1),
        _MODEL,
        Column("model_version", pl.String, "Version of its trained files."),
        Column("score", pl.Float64, "The model's score; only its order means anything."),
        AVAILABLE_AT,
    ),
    key=("session", "code", "horizon_d", "model"),
)
