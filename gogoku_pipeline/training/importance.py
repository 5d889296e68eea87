"""Permutation importance: how much daily RankIC a version loses when a feature, or a group of them, tells it nothing.

    drop of a day = RankIC of the scores - RankIC of the scores with the feature dealt anew among the day's stocks
The same for every family, because it asks nothing but scores. Features that carry the same information share their
importance: each alone may cost little where the whole group costs much, so groups are measured too. A feature that is
the same for every stock of a session cannot be dealt anew; it is counted and left out.
Sources: Breiman 2001, "Random Forests", section 10; Fisher, Rudin & Dominici 2019 (model reliance).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.core.seeds import derive_seed
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.store.artefacts import Artefact
from gogoku_pipeline.training.dealt_anew import Deal, DealtAnew, never_apart
from gogoku_pipeline.training.predict import fits_of
from gogoku_pipeline.training.recipes import TARGET, Fitted

COMPANIONS = "companions"
"""The group that is no feature: who is tied to whom, for networks that read the graph."""
IMPORTANCE = pl.Schema(
    {"kind": pl.String, "name": pl.String, "features": pl.Int32, "drop": pl.Float64, "standard_error": pl.Float64}
)


@dataclass(frozen=True)
class ImportanceConfig:
    """How importance is measured."""

    days: int = 8
    """Sessions the scores are made for, spread evenly over those that may be used."""
    most_features: int = 30
    """Single features at most, those of the groups with the largest drop first; groups are always measured."""
    most_seeds: int = 3
    """Fits of the version that are asked, the first ones; their scores are averaged by rank, as the version's are."""
    repeats: int = 1
    """Draws per session; their drops are averaged."""
    seed: int = 0
    """Of the draws."""

    def __post_init__(self) -> None:
        """Refuse counts that measure nothing."""
        for name, least in (("days", 2), ("most_features", 0), ("most_seeds", 1), ("repeats", 1)):
            if getattr(self, name) < least:
                got, want = str(getattr(self, name)), f"at least {least}"
                raise ConfigError(f"importance, {name}", got=got, want=want, remedy="Raise it.")


@dataclass(frozen=True)
class Importance:
    """What a version loses without each feature.

    Attributes:
        rows: `IMPORTANCE`: kind `group` or `feature`, how many features it stands for, mean daily drop of RankIC and
            its standard error over days; by kind, the largest drop first.
        rank_ic: mean daily RankIC of the scores as they are.
        sessions: the days, ascending.
        sample: what the version knew of them: `after the cut-off`, or `validation` (they stopped its training).
        alike: features that are the same for every stock of a session and were left out.
    """

    rows: pl.DataFrame
    rank_ic: float
    sessions: tuple[date, ...]
    sample: str
    alike: frozenset[str]


def measured_importance(
    kept: Artefact,
    data: TrainingData,
    groups: Mapping[str, str],
    config: ImportanceConfig | None = None,
    *,
    known_by: date | None = None,
) -> Importance:
    """Permutation importance of a version on days it did not learn from.

    Args:
        kept: the version.
        data: panel and labels, with its look-back before the days.
        groups: group of each feature; one without a group is its own.
        config: how many days and features.
        known_by: outcomes known later are not looked at; None for all there are.

    Raises:
        DatasetError: too few days whose outcomes are known, or a panel of other features.
    """
    config = config or ImportanceConfig()
    sample, sessions = sampled_days(kept, data, config.days, known_by)
    fits, horizon_d = fits_of(kept)[: config.most_seeds], int(kept.manifest["horizon_d"])
    alike = never_apart(data, sessions)
    names = [name for name in data.names if name not in alike]
    told = _Measure(fits, data, sessions, horizon_d, config, known_by)
    parts: dict[str, list[str]] = {}
    for name in names:
        parts.setdefault(groups.get(name, name), []).append(name)
    rows = [("group", group, len(held), *told.drop(frozenset(held), group)) for group, held in parts.items()]
    if data.panel.edges is not None and kept.manifest["family"] == "atft_gat_fan":
        rows.append(("group", COMPANIONS, 0, *told.drop(frozenset(), COMPANIONS, moves_ties=True)))
    rows.sort(key=lambda row: -row[3])
    ordered = [name for row in rows for name in parts.get(row[1], [])][: config.most_features]
    single = [("feature", name, 1, *told.drop(frozenset({name}), name)) for name in ordered]
    single.sort(key=lambda row: -row[3])
    frame = pl.DataFrame([*rows, *single], schema=IMPORTANCE, orient="row")
    return Importance(frame, float(np.mean(told.whole)), sessions, sample, alike)


def sampled_days(
    kept: Artefact, data: TrainingData, count: int, known_by: date | None = None
) -> tuple[str, tuple[date, ...]]:
    """What a version did not learn from: sessions after its cut-off with known outcomes, else its validation days.

    Days are spread evenly. Those after the cut-off are taken once there are `count` times the horizon of them, so that
    outcomes do not overlap and the standard error over days is an honest one; until then it is the validation days',
    which decided when to stop and flatter the RankIC a little, its drops hardly.

    Raises:
        DatasetError: fewer than two such sessions on the panel.
    """
    manifest = kept.manifest
    cutoff = date.fromisoformat(manifest["cutoff"])
    first, last = (date.fromisoformat(day) for day in manifest["validation"][:2])
    horizon_d = int(manifest["horizon_d"])
    day_after = None if known_by is None else date.fromordinal(known_by.toordinal() + 1)

    def has_outcomes(session: date) -> bool:
        grid = data.day_targets([session], horizon_d, before=day_after)
        return int(np.isfinite(grid).sum()) > 2

    later = [day for day in data.sessions if day > cutoff and has_outcomes(day)]
    within = [day for day in data.sessions if first <= day <= last and has_outcomes(day)]
    sample, days = ("after the cut-off", later) if len(later) >= count * horizon_d else ("validation", within)
    if len(days) < 2:
        raise DatasetError(
            f"importance of {kept.name} {kept.version}",
            got=f"{len(days)} sessions with known outcomes",
            want="two at least that the version did not learn from",
            remedy="Wait for outcomes, or hand in a panel that reaches back to the version's validation days.",
        )
    places = np.unique(np.linspace(0, len(days) - 1, min(count, len(days))).round().astype(int))
    return sample, tuple(days[place] for place in places)


class _Measure:
    """Drops of one version over some days."""

    def __init__(
        self,
        fits: Sequence[tuple[int, Fitted]],
        data: TrainingData,
        sessions: tuple[date, ...],
        horizon_d: int,
        config: ImportanceConfig,
        known_by: date | None,
    ) -> None:
        self.fits, self.data, self.sessions, self.config = fits, data, sessions, config
        inside = pl.col("session").is_in(sessions) & (pl.col("horizon_d") == horizon_d)
        in_time = pl.lit(True) if known_by is None else pl.col("available_at").dt.date() <= known_by
        self.labels = data.labels.filter(inside & in_time)
        self.whole = self._rank_ic(data)

    def drop(self, names: frozenset[str], purpose: str, *, moves_ties: bool = False) -> tuple[float, float]:
        """Mean over days of what is lost without some features, and its standard error."""
        lost = np.zeros(len(self.sessions))
        for repeat in range(self.config.repeats):
            deal = Deal(names, derive_seed(self.config.seed, purpose, repeat), moves_ties)
            lost += self.whole - self._rank_ic(DealtAnew(self.data, deal))
        lost /= self.config.repeats
        return float(lost.mean()), float(lost.std(ddof=1) / np.sqrt(len(lost)))

    def _rank_ic(self, data: TrainingData) -> npt.NDArray[np.float64]:
        """RankIC of each day; a day on which nothing is told apart any more has none, which is 0 here."""
        parts = [
            fitted.score(data, self.sessions).with_columns(pl.lit(seed, dtype=pl.Int64).alias("seed"))
            for seed, fitted in self.fits
        ]
        scores = ensemble_scores(pl.concat(parts))
        ics = daily_rank_ic(scores, self.labels, TARGET).sort("session")["rank_ic"]
        return np.asarray(np.nan_to_num(ics.to_numpy(), nan=0.0))
