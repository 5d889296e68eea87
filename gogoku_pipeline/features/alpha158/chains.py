"""Five windows from one another: 10 = 5 + 5, 20 = 10 + 10, 30 = 20 + 10, 60 = 30 + 30 places.

A longer window's sum, largest value or squared deviation is made of two shorter ones that end in different places, so
each costs one step instead of n, and its bits depend on the places of the window alone, not on where the rows begin.

Series have `PAD` empty places before the first row; arrays of levels are [5 windows, places]. `there` is 1 on a place
that has an observation, 0 elsewhere; values are 0 where nothing is there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values

PAD = 60
"""Empty places before a stock's first row: as many as the longest window reaches back."""

STEPS = ((0, 0, 5), (1, 1, 10), (2, 1, 20), (3, 3, 30))
"""Level of the newer part, level of the older part, and how many places the older one ends before the newer."""


class Series(NamedTuple):
    """A series and what its windows share.

    Attributes:
        x: [places] values, 0 where nothing is there.
        there: [places] 1 or 0.
        sums: [5, places] sums over the windows.
        mean: [places] mean of the shortest window, 0 for none.
        apart: [4, places] distance between the means of two parts, weighted for merging squares.
    """

    x: Values
    there: Values
    sums: Values
    mean: Values
    apart: Values


@compiled
def window_sums(x: Values) -> Values:
    """Sums over the five windows."""
    size = x.size
    out = np.empty((5, size))
    out[0, :4] = 0.0
    five, a, b, c, d, e = out[0, 4:], x[4:], x[3 : size - 1], x[2 : size - 2], x[1 : size - 3], x[: size - 4]
    for i in range(five.size):
        five[i] = a[i] + b[i] + c[i] + d[i] + e[i]
    for level, (newer, older, apart) in enumerate(STEPS):
        out[level + 1, :apart] = 0.0
        to, near, far = out[level + 1, apart:], out[newer, apart:], out[older, : size - apart]
        for i in range(to.size):
            to[i] = near[i] + far[i]
    return out


@compiled
def place_weighted_sums(x: Values, sums: Values) -> Values:
    """Sums of k * x over the windows, k the places before t; `sums` are those of x."""
    size = x.size
    out = np.zeros((5, size))
    five, b, c, d, e = out[0, 4:], x[3 : size - 1], x[2 : size - 2], x[1 : size - 3], x[: size - 4]
    for i in range(five.size):
        five[i] = b[i] + 2.0 * c[i] + 3.0 * d[i] + 4.0 * e[i]
    for level, (newer, older, apart) in enumerate(STEPS):
        to, near, far, total = out[level + 1, apart:], out[newer, apart:], out[older], sums[older]
        for i in range(to.size):
            to[i] = near[i] + (far[i] + apart * total[i])
    return out


@compiled
def squared_places(there: Values, counts: Values, places: Values) -> Values:
    """Sums of k * k over the places with a value; `counts` and `places` are the sums of 1 and of k."""
    size = there.size
    out = np.zeros((5, size))
    five, b, c, d, e = out[0, 4:], there[3 : size - 1], there[2 : size - 2], there[1 : size - 3], there[: size - 4]
    for i in range(five.size):
        five[i] = b[i] + 4.0 * c[i] + 9.0 * d[i] + 16.0 * e[i]
    for level, (newer, older, apart) in enumerate(STEPS):
        to, near, far = out[level + 1, apart:], out[newer, apart:], out[older]
        one, two = counts[older], places[older]
        for i in range(to.size):
            to[i] = near[i] + (far[i] + 2.0 * apart * two[i] + apart * apart * one[i])
    return out


@compiled
def merging_weights(counts: Values) -> tuple[Values, Values]:
    """[4, places] what the sums of a newer and of an older part are multiplied by before they are set apart.

    With c1, c2 values in the parts: c2 / sqrt(c1 c2 (c1 + c2)) and c1 / sqrt(c1 c2 (c1 + c2)), 0 if a part is empty.
    """
    size = counts.shape[1]
    newer_weight, older_weight = np.zeros((4, size)), np.zeros((4, size))
    for level, (newer, older, apart) in enumerate(STEPS):
        near, far, c1, c2 = (
            newer_weight[level, apart:],
            older_weight[level, apart:],
            counts[newer, apart:],
            counts[older],
        )
        for i in range(near.size):
            product = c1[i] * c2[i] * (c1[i] + c2[i])
            root = 1.0 / np.sqrt(product) if product > 0.0 else 0.0
            near[i] = c2[i] * root
            far[i] = c1[i] * root
    return newer_weight, older_weight


@compiled
def series_of(x: Values, there: Values, counts: Values, weights: tuple[Values, Values]) -> Series:
    """A series with its sums and the distances its squares are merged by."""
    size = x.size
    sums, mean, apart = window_sums(x), np.zeros(size), np.zeros((4, size))
    five, one = sums[0], counts[0]
    for i in range(size):
        mean[i] = five[i] / one[i] if one[i] > 0.0 else 0.0
    for level, (newer, older, gap) in enumerate(STEPS):
        to, near, far = apart[level, gap:], sums[newer, gap:], sums[older]
        by_near, by_far = weights[0][level, gap:], weights[1][level, gap:]
        for i in range(to.size):
            to[i] = near[i] * by_near[i] - far[i] * by_far[i]
    return Series(x, there, sums, mean, apart)


@compiled
def products(one: Series, two: Series) -> Values:
    """[5, places] sums of (x - mean x)(y - mean y) over the windows; of x with itself, squared deviations."""
    x, y, there, mx, my = one.x, two.x, one.there, one.mean, two.mean
    size = x.size
    out = np.zeros((5, size))
    for k in range(5):
        five, xs, ys, present = out[0, 4:], x[4 - k :], y[4 - k :], there[4 - k :]
        x_mid, y_mid = mx[4:], my[4:]
        for i in range(five.size):
            five[i] += (xs[i] - present[i] * x_mid[i]) * (ys[i] - present[i] * y_mid[i])
    for level, (newer, older, gap) in enumerate(STEPS):
        to, near, far = out[level + 1, gap:], out[newer, gap:], out[older]
        dx, dy = one.apart[level, gap:], two.apart[level, gap:]
        for i in range(to.size):
            to[i] = near[i] + far[i] + dx[i] * dy[i]
    return out


@compiled
def largest(x: Values) -> Values:
    """[5, places] largest value of each window."""
    size = x.size
    out = np.full((5, size), -np.inf)
    five = out[0, 4:]
    for k in range(5):
        old = x[4 - k :]
        for i in range(five.size):
            five[i] = old[i] if old[i] > five[i] else five[i]
    for level, (newer, older, gap) in enumerate(STEPS):
        to, near, far = out[level + 1, gap:], out[newer, gap:], out[older]
        for i in range(to.size):
            to[i] = far[i] if far[i] > near[i] else near[i]
    return out


@compiled
def age_of_largest(x: Values) -> Values:
    """[5, places] how many places before t the largest value is, the oldest one on ties."""
    size = x.size
    best, age = largest(x), np.zeros((5, size))
    top, five = np.full(size, -np.inf)[4:], age[0, 4:]
    for k in range(5):
        old = x[4 - k :]
        for i in range(five.size):
            five[i] = k if old[i] >= top[i] else five[i]
        for i in range(five.size):
            top[i] = old[i] if old[i] >= top[i] else top[i]
    for level, (newer, older, gap) in enumerate(STEPS):
        to, near, far = age[level + 1, gap:], best[newer, gap:], best[older]
        age_near, age_far = age[newer, gap:], age[older]
        for i in range(to.size):
            to[i] = age_far[i] + gap if far[i] >= near[i] else age_near[i]
    return age
