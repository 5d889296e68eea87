"""Every metric of every day, with how many names stood behind it. Straight from frames to arrays, no join.

Seeds of one model are one opinion: the mean of each seed's ranks (`ensemble`). Metrics of an order are taken from
that; IC and point accuracy from the mean of the raw scores; dispersion from every seed, the worst of them counts.
Source: evaluation protocol, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.accuracy import accuracy_of
from gogoku_pipeline.evaluation.cross_sections import CrossSections, Floats, Mask, ascending_order, divided, paired
from gogoku_pipeline.evaluation.dispersion import dispersion_of
from gogoku_pipeline.evaluation.ensemble import mean_ranks
from gogoku_pipeline.evaluation.frames import KEY, checked_label_name, counted, nothing_in_common, require_columns
from gogoku_pipeline.evaluation.gains import gains_of
from gogoku_pipeline.evaluation.ic import MIN_NAMES, ic_of, rank_ic_of
from gogoku_pipeline.evaluation.layout import Axes, Cells, Figures, in_blocks
from gogoku_pipeline.evaluation.neutral import ExposureGrid, exposure_grid, residuals_of
from gogoku_pipeline.evaluation.ranking import outer_deciles_of, ranking_of, turnover_of


@dataclass(frozen=True)
class DailyConfig:
    """How days are measured.

    Attributes:
        label: exact name of the label column.
        min_names: days with fewer judged names have no RankIC and no IC.
        threads: blocks of days measured at once.
    """

    label: str = "ret_open"
    min_names: int = MIN_NAMES
    threads: int = 1


def daily_metrics(
    scores: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    universe: pl.DataFrame | None = None,
    exposures: pl.DataFrame | None = None,
    config: DailyConfig = DailyConfig(),
) -> pl.DataFrame:
    """Every metric of every day of every model and horizon.

    Args:
        scores: [model?, seed?, session, code, horizon_d, score, is_counted?]; a score for a name without a label row
            (unlisted, outside the universe) is left out, and `n_outside` counts them.
        labels: [session, code, horizon_d, <label>].
        universe: [session, code, is_tradable] fixed ex ante; None judges every name with a label row.
        exposures: see `neutral.neutralise`; None leaves `neutral_rank_ic` null.
        config: label, minimum of names, threads.

    Returns:
        [model, horizon_d, session, n_universe, n_outside, n_scored, n, coverage, rank_ic, ic, neutral_rank_ic, ...],
        sorted: the columns of `ranking_by_day`, `gains_by_day`, `accuracy_by_day`, `dispersion_by_day` and `turnover`.
        `n_universe` counts names of the universe with a label row, `n_scored` those of them with a score, `n` those
        with a score and a known label; `coverage` is n_scored / n_universe. Undefined figures are null, except
        rank_ic, ic and neutral_rank_ic, which are NaN.

    Raises:
        EvaluationError: columns missing, infinite scores, two rows for one key, no counted row, a scored horizon
            without labels, nothing in common.
    """
    _check(scores, labels, config)
    owners = [name for name in ("model", "seed") if name in scores.columns]
    frame = counted(scores).select(*owners, *KEY, "score")
    axes = Axes(frame["session"].unique().sort(), Axes.of(labels).codes)
    tradable = True if universe is None else axes.has(axes.cells(universe.filter("is_tradable")))
    held = None if exposures is None else exposure_grid(exposures, axes)
    parts = []
    for horizon in frame["horizon_d"].unique().sort():
        outcome = labels.filter(pl.col("horizon_d") == horizon).select("session", "code", config.label)
        cells = axes.cells(outcome)
        judged = axes.has(cells) & tradable
        if not judged.any():
            raise nothing_in_common(scores, labels, config.label)
        label = np.where(judged, axes.lay(outcome, config.label, "labels", cells), np.nan)
        day = _Horizon(int(horizon), axes, label, judged, held, config)
        parts += [day.rows(*of_model) for of_model in _models(frame.filter(pl.col("horizon_d") == horizon))]
    return pl.concat(parts).sort("model", "horizon_d", "session")


@dataclass(frozen=True)
class _Horizon:
    """What all models share at one horizon: labels [T, N], NaN for a name not judged; who is judged; exposures."""

    horizon_d: int
    axes: Axes
    label: Floats
    judged: Mask
    exposures: ExposureGrid | None
    config: DailyConfig

    def rows(self, model: str, scores: pl.DataFrame) -> pl.DataFrame:
        """Daily rows of one model."""
        seeds = _seeds(scores)
        cells = [self.axes.cells(part) for part in seeds]
        laid = [self.axes.lay(part, "score", f"scores of {model}", at) for part, at in zip(seeds, cells, strict=True)]
        if any(np.isinf(grid).any() for grid in laid):
            raise EvaluationError(
                f"scores of {model}",
                got="infinite scores",
                want="finite numbers or null",
                remedy="Find where the model divides by zero.",
            )
        outside = self.axes.sessions.to_frame("session").join(
            _off_axes(seeds, cells), on="session", how="left", maintain_order="left"
        )
        found = in_blocks(len(self.label), lambda days: self._figures(laid, days), threads=self.config.threads)
        turnover = turnover_of(found.pop("weight"), self.horizon_d)
        stray = outside["n_outside"].fill_null(0).to_numpy() + found.pop("n_outside")
        on_days = np.isin(np.arange(len(self.label)), np.unique(_days_of(scores, self.axes)))
        return (
            pl.DataFrame({"session": self.axes.sessions})
            .with_columns(
                pl.lit(model).alias("model"),
                pl.lit(self.horizon_d, dtype=pl.Int16).alias("horizon_d"),
                pl.Series("n_outside", stray),
                *(pl.Series(name, values) for name, values in found.items()),
                pl.Series("turnover", turnover),
            )
            .filter(on_days)
            .with_columns(pl.selectors.float().exclude("rank_ic", "ic", "neutral_rank_ic").fill_nan(None))
            .select(*_FIRST, pl.exclude(_FIRST))
        )

    def _figures(self, laid: list[Floats], days: slice) -> Figures:
        judged, label = self.judged[days], self.label[days]
        raw = [grid[days] for grid in laid]
        orders = [ascending_order(grid) for grid in raw]
        each = [paired(grid, grid, order) for grid, order in zip(raw, orders, strict=True)]
        together = mean_ranks([one.score_places for one in each])
        sections = paired(together, label, orders[0] if len(orders) == 1 else None)
        plain = paired(raw[0] if len(raw) == 1 else _mean(raw), label)
        has_score = np.isfinite(together)
        universe, scored = judged.sum(axis=1), (judged & has_score).sum(axis=1)
        min_names = self.config.min_names
        return {
            "n_universe": universe,
            "n_scored": scored,
            "n_outside": (has_score & ~judged).sum(axis=1),
            "coverage": divided(scored, universe),
            "rank_ic": rank_ic_of(sections, min_names=min_names),
            "ic": ic_of(plain, min_names=min_names),
            "neutral_rank_ic": self._neutral(sections, together, days),
            **ranking_of(sections),
            **gains_of(sections),
            **accuracy_of(plain),
            **_dispersion(each),
            **outer_deciles_of(sections),
        }

    def _neutral(self, sections: CrossSections, together: Floats, days: slice) -> Floats:
        if self.exposures is None:
            return np.full(len(together), np.nan)
        left = residuals_of(together, self.exposures.days(days))
        return rank_ic_of(sections.rescored(left), min_names=self.config.min_names)


_FIRST = ["model", "horizon_d", "session", "n_universe", "n_outside", "n_scored", "n", "coverage"]


def _dispersion(each: list[CrossSections]) -> Figures:
    """Of all seeds: the fewest different scores, the least spread, whether any seed is degenerate."""
    found = [dispersion_of(one) for one in each]
    return {
        "unique_ratio": np.min([one["unique_ratio"] for one in found], axis=0),
        "std": np.min([one["std"] for one in found], axis=0),
        "n_degenerate_seeds": np.sum([one["is_degenerate"] for one in found], axis=0),
    }


def _mean(raw: list[Floats]) -> Floats:
    stacked = np.stack(raw)
    return divided(np.nansum(stacked, axis=0), np.isfinite(stacked).sum(axis=0))


def _models(scores: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    names = scores["model"].unique().sort() if "model" in scores.columns else ["model"]
    for name in names:
        yield str(name), scores if len(names) == 1 else scores.filter(pl.col("model") == name)


def _seeds(scores: pl.DataFrame) -> list[pl.DataFrame]:
    """One frame per seed, in the order of seeds: a mean's last bit depends on it."""
    if "seed" not in scores.columns:
        return [scores]
    return [part for _, part in sorted(scores.partition_by("seed", as_dict=True).items())]


def _days_of(scores: pl.DataFrame, axes: Axes) -> np.ndarray:
    """Rows of the axes on which these scores have a row."""
    return np.flatnonzero(axes.sessions.is_in(scores["session"].unique().implode()).to_numpy())


def _off_axes(seeds: list[pl.DataFrame], cells: list[Cells]) -> pl.DataFrame:
    """[session, n_outside]: scored names that no label row ever named."""
    stray = [part.filter(pl.Series(at < 0)).select("session", "code") for part, at in zip(seeds, cells, strict=True)]
    return pl.concat(stray).group_by("session").agg(pl.col("code").n_unique().cast(pl.Int64).alias("n_outside"))


def _check(scores: pl.DataFrame, labels: pl.DataFrame, config: DailyConfig) -> None:
    require_columns(scores, (*KEY, "score"), "scores")
    checked_label_name(config.label)
    require_columns(labels, (*KEY, config.label), "labels")
    missing = set(scores["horizon_d"].unique()) - set(labels["horizon_d"].unique())
    if missing:
        raise nothing_in_common(scores, labels, config.label)
