"""Golden examples G5, G6, G7 and G19 of the catalogue, on the features that stand for them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gogoku_pipeline.features.declaration import declared, per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.groups.beta import PAIR, alpha, beta, idio_vol, r2
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.registry import Registry
from tests.unit.features.given_features import SESSIONS, computed, house_given, inputs, panel

NAN = math.nan


def beside(name: str, given: str, xs: list[float], sectors: list[str] | None = None) -> list[float]:
    """One session of a feature made of values handed in, one per stock."""
    frame = panel({given: np.array([xs])}, sectors)
    return computed(name, inputs(frame, (given,)), house_given([name], [given]))[0].tolist()


def same(found: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(found, expected, atol=5e-7, rtol=0)


def test_g5_ties_share_their_average_rank_inside_a_sector():
    same(beside("rank_in_sec33_20d", "ret_20d", [3, 1, 1, NAN, 5]), [2 / 3, 1 / 6, 1 / 6, NAN, 1])
    same(beside("rank_in_sec33_20d", "ret_20d", [5, NAN, 1, 3, 1]), [1, NAN, 1 / 6, 2 / 3, 1 / 6])
    same(beside("rank_in_sec33_20d", "ret_20d", [2, 2, 2]), [0.5, 0.5, 0.5])
    same(beside("rank_in_sec33_20d", "ret_20d", [2, 7, 7], ["0050", "1050", "1050"]), [NAN, 0.5, 0.5])


def test_g6_a_stock_is_compared_with_the_others_of_its_sector():
    xs, sectors = [0.01, 0.03, -0.02, NAN, 0.05, 0.02], ["0050"] * 4 + ["1050"] * 2
    same(beside("rel_sec33_1d", "ret_1d", xs, sectors), [0.005, 0.035, -0.04, NAN, NAN, NAN])
    same(beside("_sec33_peer_ret_1d", "ret_1d", xs, sectors), [0.005, -0.005, 0.02, NAN, NAN, NAN])


MARKET = [0.01, -0.004, 0.006, -0.012, 0.003, 0.008, -0.002, 0.005]
STOCK = [0.012, NAN, 0.01, -0.02, 0.001, NAN, -0.004, 0.009]
EXPECTED = {"beta": 1.535398, "alpha": -0.300288, "idio_vol": 0.035827, "r2": 0.971346}


@pytest.mark.parametrize("least", [5, 7])
@pytest.mark.parametrize("function", [beta, alpha, idio_vol, r2], ids=lambda function: function.__name__)
def test_g7_regressions_take_complete_pairs_for_both_moments(function, least):
    registry = Registry("golden")
    for name in ("ret_1d", "mkt_ret_1d"):

        def outside() -> None:
            """A series handed in: see the golden example."""

        declared(name, registry=registry, group="returns", unit="ratio", sources=("bars.C",))(outside)
    settings = {"group": "beta", "unit": "ratio", "window": "S{n}", "sources": PAIR, "observes": PAIR, "windows": (8,)}
    per_stock("golden_{n}d", registry=registry, min_obs=least, **settings)(function)
    frame = panel({"ret_1d": np.array(STOCK)[:, None], "mkt_ret_1d": np.array(MARKET)[:, None]})
    found = computed("golden_8d", inputs(frame, ("ret_1d", "mkt_ret_1d")), registry.freeze())[-1, 0]
    same([found], [EXPECTED[function.__name__] if least == 5 else NAN])


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("beta_60d", 46),
        ("resid_ret_1d", 47),
        ("resid_ret_20d", 61),
        ("beta_stability_250d", 165),
        ("resid_mom_250d", 236),
    ],
)
def test_g19_values_begin_where_the_null_budget_says_along_a_chain(name, first):
    rng = np.random.default_rng(1)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.02, (300, 1)), axis=0))
    made = inputs(panel({"close": close}), index=1500 * np.exp(np.cumsum(rng.normal(0, 0.01, 300))))
    found = computed(name, made)[:, 0]
    assert np.flatnonzero(~np.isnan(found))[0] + 1 == first
    frame = compute([name], made, start=SESSIONS[0], end=SESSIONS[299])
    (count,) = null_budget(frame, made)
    assert (count.rows, count.expected, count.observed) == (300, first - 1, first - 1)
