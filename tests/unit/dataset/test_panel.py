"""The panel keeps what it was given, shares memory with its file, and refuses to be another panel."""

import json

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel, open_panel
from gogoku_pipeline.dataset.panel_map import stock_ids, unpack
from tests.unit.dataset.planted import ToyCatalogue, ToyFeature, planted_market

VERSIONS = {"feat__prices": 3, "core__universe": 5}


@pytest.fixture(scope="module")
def market():
    return planted_market(n_stocks=30, n_sessions=60, n_features=11)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("panels")


@pytest.fixture(scope="module")
def panel(market, cache):
    return build_panel(
        market.features, market.universe, market.catalogue, Normaliser(market.catalogue), cache, VERSIONS
    )


def test_values_and_validity_come_back_as_the_normaliser_made_them(market, panel):
    made = Normaliser(market.catalogue).transform(market.features, market.universe).frame
    cells = made.select(market.catalogue.names).to_numpy().reshape(60, 30, 11)
    known = unpack(np.asarray(panel.valid_bits), 11)[:, :30]
    assert np.array_equal(known, np.isfinite(cells))
    assert np.allclose(panel.values[:, :30], np.nan_to_num(cells), atol=4e-3)
    assert not unpack(np.asarray(panel.valid_bits), 11)[:, 30:].any()
    assert panel.values.shape[1] > 30, "spare places"


def test_a_missing_value_is_zero_with_its_bit_off_and_a_true_zero_has_its_bit_on(panel):
    known = unpack(np.asarray(panel.valid_bits), 11)
    assert (np.asarray(panel.values)[~known] == 0).all()
    assert ((np.asarray(panel.values) == 0) & known)[:, :, -1].any()


def test_windows_are_views_of_the_map(panel):
    window = panel.window(panel.sessions[20], 8)
    assert window.shape == (panel.values.shape[1], 8, 11)
    assert np.shares_memory(window, panel.values)
    assert np.shares_memory(panel.window_bits(panel.sessions[20], 8), panel.valid_bits)
    assert np.array_equal(window[:, -1], panel.values[20])
    assert np.array_equal(window[:, 0], panel.values[13])


def test_a_window_longer_than_the_history_is_refused(panel):
    with pytest.raises(DatasetError, match="window of 8 sessions"):
        panel.window(panel.sessions[6], 8)
    with pytest.raises(DatasetError, match="does not hold"):
        panel.index(panel.sessions[0].replace(year=2000))


def test_the_same_inputs_open_the_same_panel_and_any_other_makes_another(market, panel, cache):
    def key(catalogue=market.catalogue, stock="robust_z", versions=VERSIONS, frame=market.features):
        return build_panel(frame, market.universe, catalogue, Normaliser(catalogue, stock=stock), cache, versions).key

    stamp = (panel.path / "values.f16").stat().st_mtime_ns
    assert key() == panel.key
    assert (panel.path / "values.f16").stat().st_mtime_ns == stamp
    others = {
        key(catalogue=ToyCatalogue(market.catalogue.features, hash="other")),
        key(stock="rank_gauss"),
        key(versions={**VERSIONS, "feat__prices": 4}),
        key(frame=market.features.filter(pl.col("session") > market.sessions[5])),
    }
    assert len(others) == 4 and panel.key not in others


def test_a_panel_of_other_features_is_never_opened(panel, cache, market):
    assert open_panel(cache, panel.key, catalogue_hash=market.catalogue.hash).key == panel.key
    with pytest.raises(DatasetError, match="feature catalogue"):
        open_panel(cache, panel.key, catalogue_hash="something-else")
    with pytest.raises(DatasetError, match="no manifest"):
        open_panel(cache, "missing")


def test_a_truncated_or_relabelled_panel_is_refused(market, tmp_path):
    built = build_panel(
        market.features, market.universe, market.catalogue, Normaliser(market.catalogue), tmp_path, VERSIONS
    )
    manifest = json.loads((built.path / "manifest.json").read_text())
    (built.path / "manifest.json").write_text(json.dumps({**manifest, "key": "0" * 24}))
    with pytest.raises(DatasetError, match="never reused"):
        open_panel(tmp_path, built.key)
    (built.path / "manifest.json").write_text(json.dumps(manifest))
    payload = (built.path / "valid.u1").read_bytes()
    (built.path / "valid.u1").write_bytes(payload[:-1])
    with pytest.raises(DatasetError, match=r"valid\.u1"):
        open_panel(tmp_path, built.key)


def test_a_build_that_fails_leaves_nothing_behind(market, tmp_path):
    catalogue = ToyCatalogue(tuple(ToyFeature(name, unit="flag") for name in market.catalogue.names))
    wild = market.features.with_columns(pl.lit(1e9).cast(pl.Float32).alias("ret_1d"))
    with pytest.raises(DatasetError, match=r"beyond 65504 in \['ret_1d'\]"):
        build_panel(wild, market.universe, catalogue, Normaliser(catalogue), tmp_path, VERSIONS)
    assert list(tmp_path.iterdir()) == []


def test_places_are_append_only(market, tmp_path):
    codes = tuple(reversed(market.codes[:10]))
    built = build_panel(
        market.features,
        market.universe,
        market.catalogue,
        Normaliser(market.catalogue),
        tmp_path,
        VERSIONS,
        codes=codes,
    )
    assert built.codes[:10] == codes
    assert set(built.codes) == set(market.codes)
    assert stock_ids(("b", "a"), ["a", "d", "c"]) == ("b", "a", "c", "d")
    with pytest.raises(DatasetError, match="twice"):
        stock_ids(("a", "a"), [])


def test_families_lie_side_by_side_and_lazy_frames_do(market, panel, tmp_path):
    keys = ["session", "code"]
    left = market.features.select(*keys, *market.catalogue.names[:4]).lazy()
    right = market.features.select(*keys, *market.catalogue.names[4:]).lazy()
    built = build_panel(
        [left, right], market.universe.lazy(), market.catalogue, Normaliser(market.catalogue), tmp_path, VERSIONS
    )
    assert np.array_equal(built.values, panel.values)
    assert np.array_equal(built.valid_bits, panel.valid_bits)


def test_a_session_without_rows_keeps_its_place(market, tmp_path):
    gap = market.sessions[10]
    built = build_panel(
        market.features.filter(pl.col("session") != gap),
        market.universe,
        market.catalogue,
        Normaliser(market.catalogue),
        tmp_path,
        VERSIONS,
        sessions=market.sessions,
    )
    assert built.sessions == market.sessions
    assert not np.asarray(built.valid_bits[10]).any()


def test_targets_stay_inside_the_cross_section_and_known_ones_can_be_withheld(market, panel):
    outsiders = market.codes[:3]
    universe = market.universe.with_columns((~pl.col("code").is_in(outsiders)).alias("is_tradable"))
    data = TrainingData(panel, market.labels, universe)
    assert len(data.members(market.sessions[20])) == 27
    day = market.sessions[20]
    assert np.isnan(data.day_targets([day], 5)[0, :3]).all()
    assert np.isfinite(data.day_targets([day], 5)[0, 3:30]).all()
    exit_day = market.labels.filter(pl.col("session") == day)["exit_session"][0]
    assert np.isnan(data.day_targets([day], 5, before=exit_day)).all()
    after = market.sessions[market.sessions.index(exit_day) + 1]
    assert np.isfinite(data.day_targets([day], 5, before=after)).sum() == 27


def test_only_labels_by_exact_name_and_known_horizon_are_accepted(market, panel):
    data = TrainingData(panel, market.labels)
    for name in ("gauss", "ret_1d", "code"):
        with pytest.raises(DatasetError, match="exact name"):
            data.targets(5, name)
    with pytest.raises(DatasetError, match="no label"):
        data.targets(10)
    with pytest.raises(DatasetError, match="labels"):
        TrainingData(panel, market.features)


def test_flat_tables_and_windows_agree_on_the_decision_session(market, panel):
    data = TrainingData(panel, market.labels)
    days = market.sessions[30:33]
    table = data.table(days)
    window = data.day(days[1], 5)
    rows = table.day == 1
    assert np.array_equal(table.stocks[rows], window.stocks)
    assert np.array_equal(np.nan_to_num(table.values[rows]), window.values[:, -1].astype(np.float32))
    assert np.array_equal(np.isfinite(table.values[rows]), window.valid[:, -1])
    scores = data.scores_frame(table, 5, np.arange(len(table.day), dtype=np.float64))
    assert scores.equals(scores.sort("session", "code"))
    assert scores.columns == ["session", "code", "horizon_d", "score"]
