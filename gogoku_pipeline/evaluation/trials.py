"""Everything that was ever tried: the ledger that tells how lucky the best of it may be.

A trial is one fit that could have been chosen: one configuration, one seed, one feature set. Whoever fits writes its
line, chosen or not; the deflated Sharpe ratio counts all lines. Refreshing the weights of a recipe that was chosen
before is no new trial. Source: evaluation protocol, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.evaluation.deflation import DeflatedSharpe, deflated_sharpe, sharpe_ratio
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import Table

TRIALS = Table(
    name="registry__trials",
    description=(
        "One fit that could have been chosen: a configuration, a feature set and a seed, with the Sharpe ratio of what "
        "it was judged by. Append-only; a repeated fit of the same trial adds nothing. A fit that was logged before it "
        "was judged (a trained version) gets a second line with the ratio, and counts once."
    ),
    columns=(
        Column("trial", pl.String, "Hash of model, configuration, features and seed."),
        Column("model", pl.String, "Name of the recipe."),
        Column("config_hash", pl.String, "Hash of its configuration."),
        Column("feature_hash", pl.String, "Hash of its feature set."),
        Column("seed", pl.Int64, "Seed of the fit."),
        Column("sharpe", pl.Float64, "Sharpe ratio per observation, not annualised.", nullable=True),
        Column("observations", pl.Int32, "Days behind it.", at_least=0),
        Column("recorded_at", JST_INSTANT, "Instant it was written down."),
    ),
    key=("trial", "recorded_at"),
    partitioned=False,
)


@dataclass(frozen=True)
class Trial:
    """What tells one trial from another."""

    model: str
    config_hash: str
    feature_hash: str
    seed: int

    @property
    def hash(self) -> str:
        """SHA-256 of the four."""
        return sha256_json(asdict(self))


def trial_rows(trials: Sequence[tuple[Trial, npt.ArrayLike]], *, recorded_at: datetime) -> pl.DataFrame:
    """Lines of the ledger.

    Args:
        trials: each with the daily series it was judged by (spread, return or RankIC), NaN for none.
        recorded_at: aware instant.

    Raises:
        EvaluationError: a naive instant.
    """
    if recorded_at.tzinfo is None:
        raise EvaluationError(
            "trial ledger", got="a naive recorded_at", want="an aware instant", remedy="Pass the clock's instant."
        )
    rows = [
        {
            "trial": trial.hash,
            **asdict(trial),
            "sharpe": _known(sharpe_ratio(series)),
            "observations": int(np.isfinite(np.asarray(series, dtype=np.float64)).sum()),
            "recorded_at": recorded_at.astimezone(JST),
        }
        for trial, series in trials
    ]
    return pl.DataFrame(rows, schema=TRIALS.polars_schema)


def new_trials(ledger: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The lines among `rows` that tell the ledger something, each trial once, oldest first.

    A line tells something if the ledger does not hold its trial, or holds it without a ratio while this one has it.
    """
    fresh = rows.sort("recorded_at", "trial").sort(pl.col("sharpe").is_null(), maintain_order=True)
    fresh = fresh.unique("trial", keep="first", maintain_order=True).sort("recorded_at", "trial")
    judged = ledger.filter(pl.col("sharpe").is_not_null()).select("trial")
    known = pl.col("trial").is_in(ledger["trial"].implode())
    return fresh.join(judged, on="trial", how="anti", maintain_order="left").filter(
        ~known | pl.col("sharpe").is_not_null()
    )


def deflated_by_ledger(returns: npt.ArrayLike, ledger: pl.DataFrame) -> DeflatedSharpe:
    """Deflated Sharpe ratio of a chosen series, with every trial ever logged counted.

    Args:
        returns: daily series of the chosen trial, NaN for none.
        ledger: all lines of `TRIALS`. A trial without a Sharpe ratio counts as a trial and adds nothing to the
            variance; with fewer than two ratios the variance is 0 and the benchmark with it.

    Raises:
        EvaluationError: an empty ledger: the chosen trial itself must be in it.
    """
    if ledger.is_empty():
        raise EvaluationError(
            "trial ledger",
            got="no trial",
            want="at least the one that is judged",
            remedy="Write every fit into the ledger before judging it.",
        )
    ratios = ledger["sharpe"].drop_nulls()
    variance = float(ratios.to_numpy().var(ddof=1)) if ratios.len() > 1 else 0.0
    return deflated_sharpe(returns, n_trials=ledger["trial"].n_unique(), variance=variance)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
