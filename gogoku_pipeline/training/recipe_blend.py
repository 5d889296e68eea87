"""Blends: several recipes fitted on the same days, one list; a candidate of its own, judged by the gate like any other.

Ranks are mixed, never raw scores: within a session each part's scores become normal quantiles of their ranks. Weights
are fixed beforehand, or stacked: fitted on the validation days, which end before the first session that is judged. The
same days stop the parts' fits, so what stacking learns there is drawn half-way back to equal weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import nnls
from scipy.special import ndtri

from gogoku_pipeline.core.errors import ArtefactError, ConfigError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.training.config import Report
from gogoku_pipeline.training.flat import settled_by
from gogoku_pipeline.training.recipes import TARGET, Fitted, Identity, Recipe, config_hash, file_of, over_windows

FAMILY = "blend"
SHRINKAGE = 1.0
"""How many times the validation days' own weight equal weights have in stacking."""

_PARTS = "parts.json"
_DECIMALS = 12
_KEY = ["session", "code", "horizon_d"]
Loader = Callable[[str, Mapping[str, bytes]], Fitted]


@dataclass(frozen=True)
class FittedBlend:
    """Fits of the parts and what each of them weighs.

    Attributes:
        identity: what all parts were fitted on.
        parts: family and fit of each.
        weights: of each part, not negative, together 1.
        ledger: one row with the weights, as figures of the learning curve.
    """

    identity: Identity
    parts: tuple[tuple[str, Fitted], ...]
    weights: tuple[float, ...]
    ledger: list[dict[str, float]]

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        """Scores of each session's cross-section; a stock some parts leave out takes the mean of the others."""
        return mixed([normal_ranks(part.score(data, sessions)) for _, part in self.parts], self.weights)

    def files(self) -> dict[str, bytes]:
        """Every part's files under its number, the weights, and the identity."""
        told = {"families": [family for family, _ in self.parts], "weights": list(self.weights)}
        files = {_PARTS: json.dumps(told).encode(), **self.identity.file()}
        for place, (_, part) in enumerate(self.parts):
            files |= {f"part-{place}-{name}": body for name, body in part.files().items()}
        return files


@dataclass(frozen=True)
class BlendRecipe:
    """Several recipes as one.

    Attributes:
        parts: what is mixed, two at least.
        weights: of each part, positive, together 1; empty to stack them.
        name: in tables and reports.
    """

    parts: tuple[Recipe, ...]
    weights: tuple[float, ...] = ()
    name: str = FAMILY
    family: str = FAMILY

    def __post_init__(self) -> None:
        """Refuse what is no blend."""
        if len(self.parts) < 2:
            raise _bad(self.name, f"{len(self.parts)} parts", "at least two", "Name the recipes to mix.")
        if self.weights and len(self.weights) != len(self.parts):
            got = f"{len(self.weights)} weights for {len(self.parts)} parts"
            raise _bad(self.name, got, "one each, or none to stack", "Correct the weights.")
        if self.weights and not (min(self.weights) > 0 and abs(sum(self.weights) - 1.0) < 1e-9):
            raise _bad(self.name, f"weights {self.weights}", "positive ones that sum to 1", "Correct the weights.")

    @property
    def is_seeded(self) -> bool:
        """Whether any part is."""
        return any(part.is_seeded for part in self.parts)

    @property
    def config_hash(self) -> str:
        """Hash of the parts and of how they are mixed."""
        return config_hash(self.family, self.name, self._settings())

    def over(self, data: TrainingData, windows: Sequence[tuple[date, ...]]) -> BlendRecipe:
        """The same blend, its parts doing their common work once."""
        return replace(self, parts=tuple(over_windows(part, data, windows) for part in self.parts))

    def fit(
        self,
        data: TrainingData,
        train: Sequence[date],
        validation: Sequence[date],
        seed: int,
        horizon_d: int,
        report: Report | None = None,
    ) -> FittedBlend:
        """Fit every part with the same seed, then weigh them."""
        fits = tuple((part.family, part.fit(data, train, validation, seed, horizon_d)) for part in self.parts)
        weights = self.weights or stacked([fit for _, fit in fits], data, validation, horizon_d)
        row = {"epoch": 1.0} | {f"weight_{part.name}": w for part, w in zip(self.parts, weights, strict=True)}
        if report is not None:
            report(row)
        return FittedBlend(Identity.of(data.panel, horizon_d, self._settings()), fits, weights, [row])

    def _settings(self) -> dict[str, Any]:
        parts = [part.config_hash for part in self.parts]
        return {"parts": parts, "weights": list(self.weights), "shrinkage": None if self.weights else SHRINKAGE}


def stacked(
    fits: Sequence[Fitted], data: TrainingData, validation: Sequence[date], horizon_d: int
) -> tuple[float, ...]:
    """Weights of some fits by what they say of the validation days, see `stacking_weights`.

    Raises:
        TrainingError: no validation label is known in time.
    """
    ranks = [normal_ranks(fit.score(data, validation)) for fit in fits]
    wanted = _targets(data, validation, horizon_d)
    table = wanted
    for place, rank in enumerate(ranks):
        table = table.join(rank.rename({"score": f"part_{place}"}), on=_KEY, how="left")
    table = table.with_columns(pl.col(f"part_{place}").fill_null(0.0) for place in range(len(fits)))
    if table.is_empty():
        raise TrainingError("stacking", got="no validation label", want="some", remedy="Check labels and folds.")
    says = table.select(f"part_{place}" for place in range(len(fits))).to_numpy()
    return stacking_weights(says, table["target"].to_numpy().astype(np.float64))


def stacking_weights(says: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Weights of parts, drawn towards equal ones.

    With b the slope of the target on the mean of the parts (at least 0): the w >= 0 that minimise
    |target - says w|^2 + SHRINKAGE * rows * |w - b / parts|^2, divided by their sum; equal weights where that is 0.

    Args:
        says: normal quantiles of ranks [rows, parts].
        target: [rows] finite.
    """
    rows, parts = says.shape
    mean = says.mean(axis=1)
    slope = max(float(mean @ target) / max(float(mean @ mean), 1e-12), 0.0)
    pull = np.sqrt(SHRINKAGE * rows)
    left = np.vstack([says, pull * np.eye(parts)])
    right = np.concatenate([target, np.full(parts, pull * slope / parts)])
    found = nnls(left, right)[0]
    if not found.sum() > 0:
        return tuple([1.0 / parts] * parts)
    return tuple(float(weight) for weight in found / found.sum())


def normal_ranks(scores: pl.DataFrame) -> pl.DataFrame:
    """[session, code, horizon_d, score]: scores of a session as normal quantiles of their ranks, ties averaged.

    The k-th smallest of n scores becomes the quantile of (k - 1/2) / n; null stays null.
    """
    day = ["session", "horizon_d"]
    place = (pl.col("score").rank("average") - 0.5) / pl.col("score").count()
    ranked = scores.select(*_KEY, place.over(day).alias("score"))
    quantiles = pl.Series("score", ndtri(ranked["score"].fill_null(float("nan")).to_numpy()))
    return ranked.with_columns(quantiles.fill_nan(None))


def mixed(parts: Sequence[pl.DataFrame], weights: Sequence[float]) -> pl.DataFrame:
    """Weighted mean of some parts' scores, over the parts that have one; null where none has. Sorted by key."""
    told = pl.concat(
        part.with_columns(_weight=pl.lit(weight), _place=pl.lit(place))
        for place, (part, weight) in enumerate(zip(parts, weights, strict=True))
    )
    has = pl.col("score").is_not_null()
    weight = pl.col("_weight").filter(has).sum()
    mean = (pl.col("score") * pl.col("_weight")).sum() / weight
    found = told.sort("_place").group_by(_KEY).agg(pl.when(weight > 0).then(mean).round(_DECIMALS).alias("score"))
    return found.sort(_KEY)


def load_fitted_blend(files: Mapping[str, bytes], load: Loader) -> FittedBlend:
    """A blend from its files; `load` makes a part from its family and its files."""
    told = json.loads(file_of(files, _PARTS))
    parts = []
    for place, family in enumerate(told["families"]):
        prefix = f"part-{place}-"
        own = {name.removeprefix(prefix): body for name, body in files.items() if name.startswith(prefix)}
        if not own:
            raise ArtefactError(
                f"part {place} of a blend", got="no file", want=f"those of {family}", remedy="Train the version again."
            )
        parts.append((family, load(family, own)))
    return FittedBlend(Identity.load(files), tuple(parts), tuple(told["weights"]), [])


def _targets(data: TrainingData, sessions: Sequence[date], horizon_d: int) -> pl.DataFrame:
    """[session, code, horizon_d, target] of some sessions, where one is known in time."""
    grid = data.day_targets(sessions, horizon_d, label=TARGET, before=settled_by(data, sessions, horizon_d))
    day, stock = np.nonzero(np.isfinite(grid))
    days = pl.Series("session", list(sessions), dtype=pl.Date)
    codes = pl.Series("code", data.panel.codes, dtype=pl.String)
    return pl.DataFrame(
        {
            "session": days.gather(day),
            "code": codes.gather(stock),
            "horizon_d": pl.Series(np.full(day.size, horizon_d, dtype=np.int16)),
            "target": grid[day, stock].astype(np.float64),
        }
    )


def _bad(name: str, got: str, want: str, remedy: str) -> ConfigError:
    return ConfigError(f"blend {name!r}", got=got, want=want, remedy=remedy)
