"""The tables of explanations: why three stocks of an evening's list stand where they stand, what models live on."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table

_MODEL = Column("model", pl.String, "Name of the recipe, e.g. lightgbm.")
_VERSION = Column("model_version", pl.String, "Version of its trained files.")

EXPLAINED = Table(
    name="pred__explained",
    description=(
        "One contribution to the score of one explained stock: the first, the median and the last of an evening's "
        "list. A stock's score less the mean of its day, in standard deviations of the day's scores, is the sum of "
        "contributions of its parts `feature`, `companion`, `baseline` and `missed`; those of `session` tell the "
        "features' once more, by the session they were read on. Contributions say what the model did, not what moves "
        "prices. Attention is where a network looked, and null for models that do not attend."
    ),
    columns=(
        SESSION,
        CODE,
        Column("horizon_d", pl.Int16, "Sessions the score looks ahead.", "sessions", at_least=1),
        Column("rank", pl.Int32, "Place of the stock in the list, 1 is best.", "", at_least=1),
        Column("listed", pl.Int32, "Stocks in the list.", "", at_least=1),
        _MODEL,
        _VERSION,
        Column(
            "part",
            pl.String,
            "What the row is about.",
            allowed=("feature", "companion", "session", "selection", "baseline", "missed"),
        ),
        Column("name", pl.String, "Feature, code of the companion, date of the session, or the part itself."),
        Column("contribution", pl.Float64, "In standard deviations of the day's scores.", "zscore", nullable=True),
        Column("attention", pl.Float64, "Share of attention or of selection.", "ratio", nullable=True),
        Column("value", pl.Float64, "The feature as it is stored; null where missing.", nullable=True),
        Column(
            "percentile",
            pl.Float64,
            "Share of the universe whose value is lower, equal ones by half; null where missing or alike.",
            "ratio",
            nullable=True,
        ),
        AVAILABLE_AT,
    ),
    key=("session", "code", "horizon_d", "part", "name"),
)

IMPORTANCE = Table(
    name="eval__importance",
    description=(
        "What one model version loses in mean daily RankIC when one feature, or a group of them, is dealt anew among "
        "the stocks of each session, measured in the evening on a sample of sessions the version did not learn from. "
        "Features that say the same share their importance: look at groups first. A drop within two standard errors "
        "of 0 is none. Features that are the same for every stock of a session cannot be dealt and are left out."
    ),
    columns=(
        SESSION,
        _MODEL,
        _VERSION,
        Column("horizon_d", pl.Int16, "Sessions the score looks ahead.", "sessions", at_least=1),
        Column("kind", pl.String, "One feature, or a group of the catalogue.", allowed=("feature", "group")),
        Column("name", pl.String, "Feature or group; `companions` is the graph a network reads."),
        Column("features", pl.Int32, "Features it stands for; 0 for the graph.", "", at_least=0),
        Column("drop", pl.Float64, "Mean daily RankIC with the feature less that without it."),
        Column("standard_error", pl.Float64, "Of that mean, over days.", at_least=0.0),
        Column("rank_ic", pl.Float64, "Mean daily RankIC of the scores as they are."),
        Column("days", pl.Int32, "Sessions measured.", "sessions", at_least=2),
        Column("first_day", pl.Date, "First of them."),
        Column("last_day", pl.Date, "Last of them."),
        Column(
            "sample",
            pl.String,
            "What the version knew of them: nothing, or they stopped its training.",
            allowed=("after the cut-off", "validation"),
        ),
        Column("left_out", pl.Int32, "Features that are the same for every stock of a session.", "", at_least=0),
        AVAILABLE_AT,
    ),
    key=("session", "model", "model_version", "kind", "name"),
)
