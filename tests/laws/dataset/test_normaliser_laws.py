"""Laws of the one normalisation."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm, rankdata

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.cross_section import rank_gauss, robust_z
from gogoku_pipeline.dataset.normaliser import MARKER, Normaliser
from tests.unit.dataset.planted import ToyCatalogue, ToyFeature, planted_market

METHODS = ("robust_z", "rank_gauss")


@pytest.fixture(scope="module")
def market():
    return planted_market(n_stocks=30, n_sessions=140, n_features=9)


@pytest.mark.parametrize("method", (*METHODS, "none"))
def test_norm_of_norm_is_refused(market, method):
    normaliser = Normaliser(market.catalogue, stock=method)
    once = normaliser.transform(market.features, market.universe)
    for again in (once, once.frame):
        with pytest.raises(DatasetError, match="normalised before"):
            normaliser.transform(again, market.universe)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_fitted_so_any_session_can_be_the_first_test_session(market, method):
    cut = market.sessions[130]
    whole = Normaliser(market.catalogue, stock=method)
    early = Normaliser(market.catalogue, stock=method)
    past = pl.col("session") <= cut
    full = whole.transform(market.features, market.universe)
    known = early.transform(market.features.filter(past), market.universe.filter(past))
    assert full.fitted_through is None
    assert known.fitted_through is None
    assert full.frame.filter(past).equals(known.frame)


@pytest.mark.parametrize("method", METHODS)
def test_row_order_changes_nothing(market, method):
    normaliser = Normaliser(market.catalogue, stock=method)
    shuffled = market.features.sample(fraction=1.0, shuffle=True, seed=3)
    straight = normaliser.transform(market.features, market.universe).frame
    assert straight.equals(normaliser.transform(shuffled, market.universe.reverse()).frame)


@pytest.mark.parametrize("method", METHODS)
def test_units_of_measurement_change_nothing(market, method):
    normaliser = Normaliser(market.catalogue, stock=method)
    scaled = market.features.with_columns(pl.col("ret_1d") * 1024 + 512)
    a = normaliser.transform(market.features, market.universe).frame["ret_1d"]
    b = normaliser.transform(scaled, market.universe).frame["ret_1d"]
    assert np.allclose(a.fill_null(0.0), b.fill_null(0.0), atol=2e-3)
    assert a.is_null().equals(b.is_null())


def test_flags_stay_as_they_are_and_missing_stays_missing(market):
    frame = Normaliser(market.catalogue).transform(market.features, market.universe).frame
    raw = market.features.sort("session", "code")
    assert frame["is_new"].equals(raw["is_new"])
    assert frame["noise_0"].is_null().equals(raw["noise_0"].is_null())
    assert frame.columns == ["session", "code", *market.catalogue.names, MARKER]


def test_market_features_compare_with_their_own_last_250_sessions_and_need_120(market):
    normaliser = Normaliser(market.catalogue)
    daily = normaliser.daily(market.features).sort("session")
    found = normaliser.market_table(daily)["mkt_ret_1d"].to_numpy()
    raw = daily["mkt_ret_1d"].to_numpy().astype(np.float64)
    have = np.isfinite(raw).cumsum()
    assert np.isnan(found[have < 120]).all()
    last = raw[: len(raw)]
    assert found[-1] == pytest.approx((last[-1] - np.nanmean(last)) / np.nanstd(last, ddof=1), abs=1e-5)


def test_a_market_feature_is_not_flattened_by_the_cross_section(market):
    frame = Normaliser(market.catalogue).transform(market.features, market.universe).frame
    tail = frame.filter(pl.col("session") >= market.sessions[125])["mkt_ret_1d"].drop_nulls()
    assert tail.n_unique() > 5


def test_a_sector_feature_is_compared_over_groups_not_over_their_members():
    catalogue = ToyCatalogue((ToyFeature("sec33_ret_5d", role="sector"),))
    sectors = ["0050"] * 7 + ["1050", "2050"]
    keys = {"session": [planted_market(3, 8).sessions[0]] * 9, "code": [f"{1000 + n}0" for n in range(9)]}
    features = pl.DataFrame({**keys, "sec33_ret_5d": [1.0] * 7 + [2.0, 3.0]})
    universe = pl.DataFrame({**keys, "sector33_code": sectors}).with_columns(
        pl.lit("1").alias("sector17_code"), pl.lit("0111").alias("market_code"), pl.lit(True).alias("is_in_universe")
    )
    found = Normaliser(catalogue).transform(features, universe).frame["sec33_ret_5d"].to_list()
    assert found[7] == 0.0, "the middle of three groups, though most stocks belong to the lowest"
    assert found[0] == pytest.approx(-1 / 1.4826) and found[8] == pytest.approx(1 / 1.4826)


def test_robust_z_is_median_and_mad_of_the_members_clipped():
    values = np.array([[1.0], [2.0], [3.0], [4.0], [100.0], [2.5]], dtype=np.float32)
    members = np.array([True] * 5 + [False])
    found = robust_z(values, members, 5.0)[:, 0]
    assert found == pytest.approx([-2 / 1.4826, -1 / 1.4826, 0.0, 1 / 1.4826, 5.0, -0.5 / 1.4826], abs=1e-6)


def test_robust_z_falls_back_where_most_members_share_a_value_and_is_missing_where_all_do():
    mostly = np.array([[0.0], [0.0], [0.0], [4.0]], dtype=np.float32)
    everyone = np.ones(4, dtype=bool)
    assert robust_z(mostly, everyone, 5.0)[:, 0] == pytest.approx([0, 0, 0, 4 / 1.2533], abs=1e-5)
    assert np.isnan(robust_z(np.full((4, 1), 0.1, dtype=np.float32), everyone, 5.0)).all()
    assert np.isnan(rank_gauss(np.full((4, 1), 0.1, dtype=np.float32), everyone)).all()


def test_rank_gauss_is_the_normal_score_of_average_ranks_among_members():
    rng = np.random.default_rng(0)
    column = rng.integers(0, 6, size=25).astype(np.float32)
    found = rank_gauss(column[:, None], np.ones(25, dtype=bool))[:, 0]
    assert found == pytest.approx(norm.ppf((rankdata(column) - 0.5) / 25), abs=1e-5)


def test_rank_gauss_places_outsiders_between_members():
    values = np.array([[1.0], [2.0], [3.0], [2.5], [9.0]], dtype=np.float32)
    members = np.array([True, True, True, False, False])
    found = rank_gauss(values, members)[:, 0]
    assert found[1] < found[3] < found[2] == found[4]


def test_infinite_features_unknown_roles_and_methods_are_refused(market):
    with pytest.raises(DatasetError, match="infinite values in \\['vol_20d'\\]"):
        Normaliser(market.catalogue).transform(
            market.features.with_columns(pl.lit(float("inf")).alias("vol_20d")), market.universe
        )
    with pytest.raises(DatasetError, match="known role"):
        Normaliser(ToyCatalogue((ToyFeature("x", role="moon"),)))
    with pytest.raises(DatasetError, match="robust_z"):
        Normaliser(market.catalogue, stock="minmax")
    with pytest.raises(DatasetError, match="no columns"):
        Normaliser(market.catalogue).transform(market.features.drop("ret_1d"), market.universe)
