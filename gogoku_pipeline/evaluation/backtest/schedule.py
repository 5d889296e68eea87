"""Which sessions decide, and with which scores: frames of scores brought onto the market's arrays.

A weekly strategy decides after the last session of each week, a monthly one after the last of each month, by the
exchange's own calendar. A deciding session without scores decides nothing: what is held stays, what waits goes on
waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, Rebalance
from gogoku_pipeline.evaluation.backtest.market import MarketGrid
from gogoku_pipeline.evaluation.backtest.orders import says_something
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import checked_scores

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Plan:
    """When and on what to decide.

    Attributes:
        first, last: places of the first decision that ranks anybody and of the last session of the accounts.
        scores: by place of a deciding session: score of each name that may be held, NaN for the others, shape [N].
        notes: counts a reader should know.
    """

    first: int
    last: int
    scores: dict[int, Floats]
    notes: dict[str, int]


def plan_of(scores: pl.DataFrame, grid: MarketGrid, config: BacktestConfig) -> Plan:
    """Check scores and lay them on the market.

    Args:
        scores: [session, code, score] and optionally horizon_d, model, seed, is_counted, of one model; several seeds
            trade as the mean of their ranks. Null and NaN are no opinion. A score of an issue that was not listed
            that session, or lies outside the tradable universe, is left out and counted.
        grid: the market.
        config: the strategy.

    Raises:
        EvaluationError: several models, another horizon, duplicate or infinite scores, scores outside the market's
            sessions, or not one session to decide on.
    """
    table = _one_table(scores, config)
    days = grid.days()
    day = table["session"].to_physical().to_numpy()
    row = np.minimum(np.searchsorted(days, day), len(days) - 1)
    if not (inside := days[row] == day).all():
        raise EvaluationError(
            f"scores of {table['session'][int(np.argmin(inside))]}",
            got=f"{int((~inside).sum())} scores on sessions without bars",
            want=f"sessions in {grid.sessions[0]} .. {grid.sessions[-1]}",
            remedy="Pass bars that cover every scored session.",
        )
    name = table["code"].cast(pl.Enum(grid.codes), strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    listed = (name >= 0) & grid.has_row[row, name]
    usable = listed & grid.tradable[row, name] & np.isfinite(grid.mark[row, name])
    rows = _Rows(row, name, np.where(usable, table["score"].to_numpy(), np.nan))
    laid = _laid_out(_deciding(grid.sessions, config.rebalance), rows, len(grid.codes))
    telling = [place for place, values in laid.items() if says_something(values, config) and place + 1 < len(days)]
    if not telling:
        raise EvaluationError(
            "backtest",
            got=f"{len(laid)} {config.rebalance} decisions with scores, none that ranks {config.min_names} names "
            "and has a session after it",
            want="at least one",
            remedy="Score more sessions or names, check the universe, lower `min_names`, or rebalance daily.",
        )
    first, newest = telling[0], int(row.max())
    wanted = _deciding(grid.sessions, config.rebalance)[first : newest + 1]
    kept = {place: values for place, values in laid.items() if place >= first}
    return Plan(
        first,
        min(max(newest, first + 1 - config.horizon_d) + config.horizon_d, len(days) - 1),
        kept,
        {
            "scores_of_unlisted_issues": int((~listed).sum()),
            "scores_outside_the_universe": int((listed & ~usable).sum()),
            "scores_missing": int(np.isnan(table["score"].to_numpy()).sum()),
            "decisions_before_the_first_ranking": len(laid) - len(kept),
            "decisions_without_scores": int(wanted.sum()) - len(kept),
        },
    )


class _Rows(NamedTuple):
    """Scores as rows: places of session and issue, and the score, NaN if it does not count."""

    session: Wholes
    name: Wholes
    score: Floats


def _laid_out(deciding: Flags, rows: _Rows, width: int) -> dict[int, Floats]:
    """Scores by place of each deciding session that has rows, in order of time."""
    order = np.argsort(rows.session, kind="stable")
    placed = rows.session[order]
    laid = {}
    for place in np.unique(placed[deciding[placed]]).tolist():
        mine = order[np.searchsorted(placed, place) : np.searchsorted(placed, place, side="right")]
        mine = mine[rows.name[mine] >= 0]
        laid[place] = np.full(width, np.nan)
        laid[place][rows.name[mine]] = rows.score[mine]
    return laid


def _one_table(scores: pl.DataFrame, config: BacktestConfig) -> pl.DataFrame:
    """Checked scores of one model and one horizon, one per session and code."""
    frame = scores
    if "horizon_d" not in frame.columns:
        frame = frame.with_columns(pl.lit(config.horizon_d, dtype=pl.Int16).alias("horizon_d"))
    found = sorted(frame["horizon_d"].unique().to_list())
    frame = frame.filter(pl.col("horizon_d") == config.horizon_d)
    if frame.is_empty():
        raise EvaluationError(
            "scores to trade",
            got=f"horizons {found}" if found else "no rows",
            want=f"scores of horizon {config.horizon_d}",
            remedy="Set `horizon_d` to a horizon the scores have.",
        )
    if "model" in frame.columns and frame["model"].n_unique() > 1:
        raise EvaluationError(
            "scores to trade",
            got=f"models {sorted(frame['model'].unique().to_list())}",
            want="the scores of one model",
            remedy="Filter by `model` and run one backtest each.",
        )
    frame = checked_scores(frame, what="scores to trade")
    if "seed" in frame.columns and frame["seed"].n_unique() > 1:
        named = frame if "model" in frame.columns else frame.with_columns(pl.lit("model").alias("model"))
        frame = ensemble_scores(named)
    return frame.select("session", "code", pl.col("score").fill_null(float("nan")))


def _deciding(sessions: tuple[date, ...], rebalance: Rebalance) -> Flags:
    """Whether each session ends its day, week or month; the last one of the data always might."""
    if rebalance == "daily":
        return np.ones(len(sessions), dtype=np.bool_)
    spans = [session.isocalendar()[:2] if rebalance == "weekly" else (session.year, session.month)
             for session in sessions]  # fmt: skip
    ends = [left != right for left, right in zip(spans, spans[1:], strict=False)]
    return np.array([*ends, True])
