"""The one look a promoted design gets at the frozen hold-out: opened in the log first, walked through, written down.

Belongs here: the order of the steps and the finding. Does not belong here: what an opening is (`dataset.holdout`), who
may open (`ledgers`), how two models are compared (`evaluation.comparison`).

The design is fitted again, once per year of the hold-out, on everything before each part; embargo sessions are not
counted. The baseline walks beside it. An opening whose finding was never written down, because the machine stopped, is
finished with the sessions it was opened for; a finding is never made twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.holdout import Holdout
from gogoku_pipeline.dataset.splits import Fold
from gogoku_pipeline.evaluation.comparison import Comparison, compare
from gogoku_pipeline.evaluation.summary import SummaryConfig, summarise
from gogoku_pipeline.registry.evidence import decided, known_by
from gogoku_pipeline.registry.ledgers import open_holdout, openings
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import CommitInfo, Store
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.recipes import Recipe
from gogoku_pipeline.training.walk_forward import run_walk_forward

Finding = Literal["confirmed", "refuted", "undecided"]

FINDINGS = Table(
    name="eval__holdout",
    description=(
        "What one promoted design showed on the frozen hold-out, beside the baseline on the same names and days. "
        "Append-only, one row per line of registry__openings. `confirmed`: the 95 % intervals of its RankIC and of its "
        "difference to the baseline lie above 0; `refuted`: one of them lies below 0; else `undecided`."
    ),
    columns=(
        Column("design", pl.String, "Hash of the design: configuration, feature set, universe."),
        Column("holdout_start", pl.Date, "First session of the hold-out."),
        Column("read_through", pl.Date, "Last session that was looked at."),
        Column("model", pl.String, "Name of the recipe, e.g. apex_ranker."),
        Column("version", pl.String, "Version that the gate promoted."),
        Column("baseline", pl.String, "Recipe it was paired with."),
        Column("finding", pl.String, "What was found.", allowed=("confirmed", "refuted", "undecided")),
        Column("paired_days", pl.Int32, "Days on which both have a ranking.", "sessions", at_least=0),
        Column("rank_ic", pl.Float64, "Mean daily RankIC of the design.", nullable=True),
        Column("rank_ic_low", pl.Float64, "Lower bound of it.", nullable=True),
        Column("rank_ic_high", pl.Float64, "Upper bound of it.", nullable=True),
        Column("baseline_rank_ic", pl.Float64, "Mean daily RankIC of the baseline.", nullable=True),
        Column("edge", pl.Float64, "Mean daily difference.", nullable=True),
        Column("edge_low", pl.Float64, "Lower bound of it.", nullable=True),
        Column("edge_high", pl.Float64, "Upper bound of it.", nullable=True),
        Column("detectable_effect", pl.Float64, "Smallest true difference these days find.", nullable=True),
        Column("recorded_at", JST_INSTANT, "Instant it was written down."),
    ),
    key=("design", "holdout_start"),
    partitioned=False,
)


@dataclass(frozen=True)
class Candidate:
    """Who asks to look.

    Attributes:
        recipe: the promoted design.
        version: the version of it that the gate promoted.
        design: `ledgers.design_hash`.
        baseline: the recipe it is paired with.
    """

    recipe: Recipe
    version: str
    design: str
    baseline: Recipe


@dataclass(frozen=True)
class Witness:
    """When and by whom the hold-out is opened, and where finished fits are kept."""

    opened_at: datetime
    commit: CommitInfo
    cache_dir: Path | None = None
    progress: Progress | None = None


def judge_on_holdout(
    store: Store, who: Candidate, data: TrainingData, terms: Terms, universe: pl.DataFrame, witness: Witness
) -> tuple[Comparison, pl.DataFrame]:
    """Open the hold-out for a promoted design, walk through it and write down what was found.

    Args:
        store: holds verdicts, the log and the findings.
        who: the design.
        data: panel and labels up to today.
        terms: registered terms with their hold-out.
        universe: [session, code, is_tradable].
        witness: instant, writer, cache.

    Returns:
        The paired comparison with the baseline, and the row of `FINDINGS` that was appended.

    Raises:
        DatasetError: no hold-out is set aside, too few of its outcomes are known (nothing is logged then), not
            promoted, opened before. RegistryError: no verdict on this version.
    """
    holdout = terms.holdout
    through, folds = _reach(store, who, data, terms)
    assert holdout is not None
    if _unfinished(store, who.design, holdout) is None:
        open_holdout(
            store, holdout, who.design, (who.recipe.name, who.version), through,
            opened_at=witness.opened_at, commit=witness.commit,
        )  # fmt: skip
    known = known_by(data.labels, date.max).filter(pl.col("session").is_between(holdout.start, through))
    walks = [
        run_walk_forward(
            one, data, folds, terms.seeds, terms.gate.horizon_d, witness.progress, witness.cache_dir
        ).scores.filter("is_counted")
        for one in (who.recipe, who.baseline)
    ]
    names = (who.recipe.name, who.baseline.name)
    found = compare(walks[0], walks[1], known, names, replace(terms.gate, holdout_start=None), universe=universe)
    config = SummaryConfig(terms.gate.label, terms.gate.min_names, terms.gate.resamples, terms.gate.seed)
    alone = summarise(walks[0], known, universe=universe, config=config).row(0, named=True)
    row = _row(who, holdout, through, found, alone, witness)
    store.tables.append(FINDINGS, row, commit=witness.commit)
    return found, row


def findings(store: Store) -> pl.DataFrame:
    """Everything the hold-out ever said, as `FINDINGS` declares it."""
    return store.tables.scan(FINDINGS).collect()


def finding_of(found: Comparison, low: float, high: float) -> Finding:
    """What a comparison and the interval of the design's own RankIC amount to; see `FINDINGS`."""
    if high < 0 or found.difference.high < 0:
        return "refuted"
    return "confirmed" if low > 0 and found.difference.low > 0 else "undecided"


def _reach(store: Store, who: Candidate, data: TrainingData, terms: Terms) -> tuple[date, list[Fold]]:
    """Last session that is looked at and the folds up to it; refuses before anything is logged."""
    horizon = terms.gate.horizon_d
    if terms.holdout is None:
        terms.holdout_folds(())
    assert terms.holdout is not None
    begun = _unfinished(store, who.design, terms.holdout)
    known = data.labels.filter((pl.col("horizon_d") == horizon) & pl.col("available_at").is_not_null())
    last = decided(known)["session"].max()
    assert isinstance(last, date)
    through = begun or last
    sessions = [day for day in data.sessions if day <= through]
    want = terms.gate.min_days + terms.embargo
    if (held := len(terms.holdout.after(sessions))) < want:
        raise DatasetError(
            f"hold-out from {terms.holdout.start}",
            got=f"{held} sessions with a known outcome",
            want=f"at least {want}: {terms.embargo} of embargo and {terms.gate.min_days} to judge",
            remedy="Wait: it answers once, and so few sessions would spend it for nothing.",
        )
    return through, terms.holdout_folds(sessions)


def _unfinished(store: Store, design: str, holdout: Holdout) -> date | None:
    """How far an opening of this design was to look whose finding was never written down; None where there is none."""
    key = {"design": design, "holdout_start": holdout.start}
    log = openings(store).filter(**key)
    return None if log.is_empty() or findings(store).filter(**key).height else log["read_through"][0]


def _row(
    who: Candidate, holdout: Holdout, through: date, found: Comparison, alone: dict[str, float], witness: Witness
) -> pl.DataFrame:
    row = {
        "design": who.design,
        "holdout_start": holdout.start,
        "read_through": through,
        "model": who.recipe.name,
        "version": who.version,
        "baseline": who.baseline.name,
        "finding": finding_of(found, alone["rank_ic_low"], alone["rank_ic_high"]),
        "paired_days": found.n_days,
        "rank_ic": alone["rank_ic_mean"],
        "rank_ic_low": alone["rank_ic_low"],
        "rank_ic_high": alone["rank_ic_high"],
        "baseline_rank_ic": found.second.rank_ic,
        "edge": found.difference.mean,
        "edge_low": found.difference.low,
        "edge_high": found.difference.high,
        "detectable_effect": found.detectable,
        "recorded_at": witness.opened_at.astimezone(JST),
    }
    return pl.DataFrame([row], schema=FINDINGS.polars_schema).with_columns(pl.selectors.float().fill_nan(None))
