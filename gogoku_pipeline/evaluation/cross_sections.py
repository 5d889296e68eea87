"""Days as rows, names as columns: the array form in which every metric of a ranking is computed.

A metric is a pure function of `CrossSections` and answers one number per day, so a hundred days cost one call. NaN is
"no score" or "no label"; a name counts on a day only if it has both. Ties are kept as ties: `Places` knows, for each
name, how many are below it and how many share its value, and everything that depends on an order uses the mean over
all ways to break them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.compilation import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Places:
    """Where each value stands among the values of its day.

    Attributes:
        below: names of the day with a smaller value [D, N]; 0 where missing.
        tied: names of the day with this value, itself included [D, N]; 0 where missing.
        count: names of the day that have a value [D].
        median: middle value of the day [D]; NaN without names.
    """

    below: Ints
    tied: Ints
    count: Counts
    median: Floats

    @cached_property
    def known(self) -> Mask:
        """Which values are there [D, N]."""
        return self.tied > 0

    @cached_property
    def above(self) -> Ints:
        """Names of the day with a larger value [D, N]."""
        return np.asarray(np.where(self.known, self.count[:, None] - self.below - self.tied, 0), dtype=np.int32)

    @cached_property
    def ranks(self) -> Floats:
        """Average-tie ranks 1 .. count [D, N]; NaN where missing."""
        return np.where(self.known, self.below + 0.5 * (self.tied + 1), np.nan)

    @property
    def different(self) -> Counts:
        """How many different values each day has [D]."""
        share = np.divide(1.0, self.tied, out=np.zeros(self.tied.shape), where=self.known)
        return np.asarray(np.rint(share.sum(axis=1)), dtype=np.int64)


def places(values: Floats, order: npt.NDArray[np.integer[Any]] | None = None) -> Places:
    """Places of values [D, N], NaN for missing, day by day.

    Args:
        values: what is ordered.
        order: columns of each day in ascending order of value, if known; NaN may stand anywhere in it, so the order
            of a whole market serves every part of it.
    """
    ascending = ascending_order(values) if order is None else order
    below = np.zeros(values.shape, dtype=np.int32)
    tied = np.zeros(values.shape, dtype=np.int32)
    count = np.zeros(len(values), dtype=np.int64)
    median = np.full(len(values), np.nan)
    _walk(values, ascending, below, tied, count, median)
    return Places(below, tied, count, median)


def ascending_order(values: Floats) -> npt.NDArray[np.intp]:
    """Columns of each day in ascending order of value [D, N], NaN last in any order."""
    # NumPy sorts an array that holds a NaN several times slower
    return np.argsort(np.where(np.isnan(values), np.inf, values), axis=1)


@compiled
def _walk(values: Floats, order: Any, below: Ints, tied: Ints, count: Any, median: Any) -> None:
    held = np.empty(values.shape[1], dtype=np.int64)
    for day in range(values.shape[0]):
        n = 0
        for place in range(values.shape[1]):
            name = order[day, place]
            if not np.isnan(values[day, name]):
                held[n] = name
                n += 1
        count[day] = n
        if n:
            median[day] = 0.5 * (values[day, held[(n - 1) // 2]] + values[day, held[n // 2]])
        first = 0
        while first < n:
            value = values[day, held[first]]
            last = first + 1
            while last < n and values[day, held[last]] == value:
                last += 1
            for place in range(first, last):
                below[day, held[place]] = first
                tied[day, held[place]] = last - first
            first = last


@dataclass(frozen=True)
class CrossSections:
    """Scores and labels of the same names on the same days; build with `paired`.

    Attributes:
        score: [D, N] float64, NaN where the name has no score or no label that day.
        label: [D, N] float64, NaN at the same places.
    """

    score: Floats
    label: Floats

    @cached_property
    def score_places(self) -> Places:
        """Places of the scores."""
        return places(self.score)

    @cached_property
    def label_places(self) -> Places:
        """Places of the labels."""
        return places(self.label)

    def rescored(self, score: Floats) -> CrossSections:
        """The same labels with other scores [D, N] that are missing where these are, or on a whole day."""
        other = CrossSections(np.where(np.isnan(self.score), np.nan, score), self.label)
        other.__dict__["label_places"] = self.label_places
        return other

    @property
    def count(self) -> Counts:
        """Names with both on each day [D]."""
        return self.score_places.count


def paired(score: Floats, label: Floats, order: npt.NDArray[np.integer[Any]] | None = None) -> CrossSections:
    """Cross-sections of the names that have both a score and a label.

    Args:
        score: [D, N], NaN for missing.
        label: [D, N], NaN for missing.
        order: `ascending_order` of the scores, or of anything that orders them the same way, if known.
    """
    missing = np.isnan(score) | np.isnan(label)
    sections = CrossSections(np.where(missing, np.nan, score), np.where(missing, np.nan, label))
    if order is not None:
        sections.__dict__["score_places"] = places(sections.score, order)
    return sections


def total(values: Floats) -> Floats:
    """Sum of each day [D], NaN left out, 0 without names."""
    return _sums(values)[0]


def divided(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """Numerator / denominator by element, NaN where the denominator is 0 or NaN."""
    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    top, bottom = np.broadcast_arrays(top, bottom)
    return np.asarray(np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0))


def mean_of(values: Floats) -> Floats:
    """Mean of each day [D], NaN left out; NaN without names."""
    return divided(*_sums(values))


def _sums(values: Floats) -> tuple[Floats, Counts]:
    """Sum and number of the values of each day that are there."""
    sums, count = np.zeros(len(values)), np.zeros(len(values), dtype=np.int64)
    _add_up(np.asarray(values, dtype=np.float64), sums, count)
    return sums, count


@compiled
def _add_up(values: Floats, sums: Floats, count: Counts) -> None:
    for day in range(values.shape[0]):
        running, there = 0.0, 0
        for name in range(values.shape[1]):
            value = values[day, name]
            known = value == value
            running += value if known else 0.0
            there += 1 if known else 0
        sums[day], count[day] = running, there


def shared_places(curve: Floats, ahead: Ints, tied: Ints, count: Counts) -> Floats:
    """What each name gets when the first `count` places pay and tied names share their places.

    Args:
        curve: what the first k places pay together, k = 0 .. N, shape [N + 1], curve[0] = 0.
        ahead: names placed before this one [D, N].
        tied: names that share its place [D, N]; 0 where missing.
        count: places of each day that pay [D].

    Returns:
        [D, N], 0 for missing names. For curve[k] = k this is the share with which a name belongs to the top `count`.
    """
    out = np.zeros(ahead.shape)
    _share_out(curve, ahead, tied, np.asarray(count, dtype=np.int64), out)
    return out


@compiled
def _share_out(curve: Floats, ahead: Ints, tied: Ints, count: Counts, out: Floats) -> None:
    for day in range(ahead.shape[0]):
        paying = count[day]
        for name in range(ahead.shape[1]):
            sharing = tied[day, name]
            if sharing > 0:
                first = ahead[day, name]
                out[day, name] = (curve[min(first + sharing, paying)] - curve[min(first, paying)]) / sharing


def top_count(count: Counts, size: float) -> Counts:
    """How many names the top holds each day [D]: a share of the names below 1 (at least one), else a number."""
    if size < 1:
        return np.asarray(np.maximum(np.floor(count * size + 0.5), 1.0), dtype=np.int64)
    return np.full(count.shape, int(size), dtype=np.int64)
