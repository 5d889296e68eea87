"""The industry and the peers against plain loops over (session, sector)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from tests.unit.features.given_features import computed, house_given, inputs, panel

NAN = math.nan
SIZE = 140
SECTORS = ["0050"] * 6 + ["1050"] * 5 + ["2050"] * 2
OUTSIDE = (5,)
GROUPS = {"0050": [0, 1, 2, 3, 4], "1050": [6, 7, 8, 9, 10], "2050": [11, 12]}
COLUMN = {stock: name for name, stocks in GROUPS.items() for stock in stocks} | {5: "0050"}


def drawn(scale: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, scale, (SIZE, len(SECTORS))).round(3)
    values[rng.random(values.shape) < 0.05] = NAN
    return values


RET = drawn(0.02, 1)
MONTH = drawn(0.1, 2)


def given(name: str, **columns: np.ndarray) -> np.ndarray:
    made = inputs(panel(columns, SECTORS, OUTSIDE), tuple(columns))
    return computed(name, made, house_given([name], list(columns)))


def by_sector(values: np.ndarray) -> pd.DataFrame:
    """[sessions, sectors] mean over the members with a value."""
    return pd.DataFrame({name: pd.DataFrame(values[:, stocks]).mean(axis=1) for name, stocks in GROUPS.items()})


def joined(series: pd.DataFrame) -> np.ndarray:
    """A sector series as each stock reads it, members or not."""
    return np.column_stack([series[COLUMN[stock]] for stock in range(len(SECTORS))])


@pytest.mark.parametrize(("n", "least"), [(5, 5), (20, 18)])
def test_a_sector_compounds_the_mean_of_its_members(n, least):
    grown = (1 + by_sector(RET)).rolling(n, min_periods=least).apply(np.nanprod) - 1
    found = given(f"sec33_ret_{n}d", ret_1d=RET)
    np.testing.assert_allclose(found, joined(grown), rtol=1e-4, atol=1e-7)
    assert np.isnan(found[: least - 1]).all()
    assert not np.isnan(found[least - 1 :, 0]).any()


def test_the_wider_industry_and_the_volatility_of_a_sector():
    everyone = pd.DataFrame(np.delete(RET, OUTSIDE, axis=1)).mean(axis=1)
    grown = (1 + everyone).rolling(20, min_periods=18).apply(np.nanprod) - 1
    found = given("sec17_ret_20d", ret_1d=RET)
    np.testing.assert_allclose(found, np.column_stack([grown] * len(SECTORS)), rtol=1e-4, atol=1e-7)
    vol = np.log1p(by_sector(RET)).rolling(20, min_periods=15).std() * math.sqrt(245)
    np.testing.assert_allclose(given("sec33_vol_20d", ret_1d=RET), joined(vol), rtol=1e-5)


def test_a_member_that_leaves_does_not_rewrite_what_its_sector_did():
    whole = given("sec33_ret_20d", ret_1d=RET)
    gone = RET.copy()
    gone[100:, 0] = NAN
    np.testing.assert_array_equal(given("sec33_ret_20d", ret_1d=gone)[:100], whole[:100])


def test_how_much_of_a_sector_rose():
    rose = np.where(np.isnan(MONTH), NAN, MONTH > 0)
    np.testing.assert_allclose(given("sec33_breadth_20d", ret_20d=MONTH), joined(by_sector(rose)), rtol=1e-6)


def test_members_count_when_shares_changed_hands():
    volume = np.array([[1.0, 0, NAN, 3, 4, 9, *[NAN] * 5, 2, NAN]])
    found = computed("sec33_member_count", inputs(panel({"volume": volume}, SECTORS, OUTSIDE)))
    assert found[0].tolist() == [3.0] * 6 + [0.0] * 5 + [1.0] * 2
    nobody = inputs(panel({"volume": volume}, SECTORS, (11, 12)))
    assert np.isnan(computed("sec33_member_count", nobody)[0, 11:]).all()


def others(values: np.ndarray, t: int, stock: int, groups: dict[str, list[int]] = GROUPS) -> np.ndarray:
    """Values of the other members of a stock's sector; empty for a stock that is no member or has none of its own."""
    own = next((stocks for stocks in groups.values() if stock in stocks), [])
    there = [s for s in own if not math.isnan(values[t, s])]
    return values[t, [s for s in there if s != stock]] if stock in there and len(there) >= 3 else np.array([])


CELLS = [(t, stock) for t in (30, 77, 139) for stock in range(len(SECTORS))]
EVERYONE = {"all": [stock for stock in range(len(SECTORS)) if stock not in OUTSIDE]}


@pytest.mark.parametrize(
    ("name", "source", "groups"),
    [
        ("rel_sec33_1d", "ret_1d", GROUPS),
        ("rel_sec33_20d", "ret_20d", GROUPS),
        ("rel_sec17_20d", "ret_20d", EVERYONE),
    ],
)
def test_a_return_beyond_the_peers_leaves_the_stock_out(name, source, groups):
    found = given(name, **{source: MONTH})
    for t, stock in CELLS:
        peers = others(MONTH, t, stock, groups)
        expected = MONTH[t, stock] - peers.mean() if peers.size else NAN
        assert found[t, stock] == pytest.approx(expected, rel=1e-5, abs=1e-7, nan_ok=True)
    assert (~np.isnan(found)).any()


@pytest.mark.parametrize(
    ("name", "source"), [("rel_sec33_vol_20d", "vol_20d"), ("rel_sec33_turnover_20d", "turnover_rate_20d")]
)
def test_a_level_beside_its_peers_is_a_logarithm(name, source):
    level = np.abs(MONTH)
    level[30, 0] = 0.0
    found = given(name, **{source: level})
    for t, stock in CELLS:
        peers = others(level, t, stock)
        expected = math.log(level[t, stock] / peers.mean()) if peers.size and level[t, stock] > 0 else NAN
        assert found[t, stock] == pytest.approx(expected, rel=1e-5, abs=1e-6, nan_ok=True)


def test_the_beta_on_the_peers_takes_complete_pairs():
    found = given("beta_sec33_120d", ret_1d=RET)
    for stock in range(len(SECTORS)):
        pairs = [(RET[t, stock], others(RET, t, stock)) for t in range(20, 140)]
        y, x = np.array([(own, peers.mean()) for own, peers in pairs if peers.size]).reshape(-1, 2).T
        expected = sm.OLS(y, sm.add_constant(x)).fit().params[1] if y.size >= 90 else NAN
        assert found[139, stock] == pytest.approx(expected, rel=1e-5, nan_ok=True)
    assert np.isnan(found[139, [5, 11, 12]]).all()


def test_leaders_are_the_largest_of_the_sector_without_the_stock_itself():
    size = np.exp(drawn(1.0, 3)) * 1e11
    size[77, 0] = size[77, 1]
    found = given("sec33_leader_ret_5d", ret_5d=MONTH, log10_mcap_jpy=np.log10(size))
    assert (~np.isnan(found)).sum() > SIZE
    for t, stock in CELLS:
        members = next((stocks for stocks in GROUPS.values() if stock in stocks), [])
        there = [s for s in members if not math.isnan(size[t, s]) and not math.isnan(MONTH[t, s])]
        if stock not in there or len(there) < 3:
            assert math.isnan(found[t, stock])
            continue
        smallest = sorted((size[t, s] for s in there), reverse=True)[max(2, int(0.3 * len(there))) - 1]
        leaders = [s for s in there if size[t, s] >= smallest and s != stock]
        expected = np.average(MONTH[t, leaders], weights=size[t, leaders])
        assert found[t, stock] == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_a_sector_of_ten_has_three_leaders():
    size = np.arange(1.0, 11.0) * 1e10
    ret = np.arange(10) / 100
    made = inputs(panel({"ret_5d": ret[None], "log10_mcap_jpy": np.log10(size)[None]}), ("ret_5d", "log10_mcap_jpy"))
    registry = house_given(["sec33_leader_ret_5d"], ["ret_5d", "log10_mcap_jpy"])
    found = computed("sec33_leader_ret_5d", made, registry)[0]
    assert found[0] == pytest.approx((8 * 0.07 + 9 * 0.08 + 10 * 0.09) / 27)
    assert found[9] == pytest.approx((8 * 0.07 + 9 * 0.08) / 17)
