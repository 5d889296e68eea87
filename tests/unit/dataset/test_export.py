"""The exported file: complete rows, the set's columns and no others, raw values, labels by horizon, a true manifest."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime

import polars as pl
import pyarrow.parquet as pq
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DataError, FeatureError, PartitionMissingError
from gogoku_pipeline.dataset.export import Wanted, export_dataset, manifest_path
from gogoku_pipeline.dataset.export_sources import source_of
from gogoku_pipeline.features.alpha158.frame import alpha158
from gogoku_pipeline.features.alpha158.names import NAMES
from gogoku_pipeline.graph.catalogue import catalogue, family_table, feature_set
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.prices import stage_prices
from tests.unit.dataset import stored_market as market

FIRST, LAST = date(2024, 4, 8), date(2024, 5, 24)
NOW = datetime(2024, 6, 1, 20, 0, tzinfo=JST)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = open_store(f"file://{tmp_path_factory.mktemp('store')}")
    market.fill(opened)
    bars = market.bar_rows()
    opened.tables.write_sessions(daily_bars.TABLE, bars, bars["session"].unique(), commit=market.COMMIT)
    return opened


def export(store, folder, name="core", first=FIRST, last=LAST, **more):
    told = []
    wanted = Wanted(name, more.pop("plan", "Premium"), first, last, **more)
    path = folder / "out" / f"{name}.parquet"
    made = export_dataset(store, wanted, path, written_at=NOW, tell=lambda done, total: told.append((done, total)))
    return pl.read_parquet(path), made, told, path


@pytest.mark.parametrize("name", ["core", "low_null", "light"])
def test_a_file_holds_the_sets_columns_and_one_row_per_issue_and_session(store, tmp_path, name):
    frame, manifest, _, _ = export(store, tmp_path, name)
    features = [column["name"] for column in manifest["columns"] if column["kind"] in ("feature", "mask")]
    assert tuple(features) == feature_set(name)
    assert frame.columns == [column["name"] for column in manifest["columns"]]
    sessions = [day for day in market.SESSIONS if FIRST <= day <= LAST]
    assert frame.select("session", "code").rows() == [(day, code) for day in sessions for code in market.CODES]


def test_values_are_the_stored_ones_nulls_included(store, tmp_path):
    frame, _, _, _ = export(store, tmp_path)
    stored = store.tables.scan(family_table("feat__prices"), start=FIRST, end=LAST).collect()
    for name in ("ret_1d", "lim_up_close_flag", "rsi_14_score"):
        assert frame[name].null_count() > 0
        assert frame[name].equals(stored[name], null_equal=True)


def test_labels_stand_under_their_horizon_with_the_evening_they_are_known(store, tmp_path):
    frame, _, _, _ = export(store, tmp_path)
    row = frame.filter((pl.col("session") == date(2024, 5, 8)) & (pl.col("code") == "72030")).row(0, named=True)
    assert row["label_ret_open_1d"] == pytest.approx(0.011)
    assert row["label_ret_open_20d"] == pytest.approx(0.201)
    assert row["label_available_at_5d"].date() == date(2024, 5, 18)
    assert row["label_residual_open_5d"] is None
    assert not [name for name in export(store, tmp_path, with_labels=False)[0].columns if name.startswith("label_")]


def test_masks_say_who_is_compared_and_who_can_be_bought(store, tmp_path):
    frame, _, _, _ = export(store, tmp_path)
    assert frame["is_in_universe"].all()
    assert set(frame.filter(~pl.col("is_tradable"))["code"]) == {"99840"}
    assert "has_graph" in frame.columns


def test_the_manifest_is_true(store, tmp_path):
    frame, made, told, path = export(store, tmp_path)
    written = json.loads(manifest_path(path).read_text())
    assert written == made
    assert written["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (written["rows"], written["issues"], written["bytes"]) == (frame.height, 3, path.stat().st_size)
    assert written["sessions"] == {"first": "2024-04-08", "last": "2024-05-24", "count": frame["session"].n_unique()}
    assert written["hash"] == catalogue(set_name="core").hash
    assert written["tables"] == {name: 1 for name in written["tables"]}
    assert set(written["tables"]) == {*catalogue(set_name="core").families, "core__universe", "data__labels"}
    assert "personal use" in written["terms"]
    assert told[-1] == (written["sessions"]["count"],) * 2
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_file_names_its_set_by_itself(store, tmp_path):
    _, made, _, path = export(store, tmp_path)
    inside = pq.read_schema(path).metadata
    assert (inside[b"gogoku.set"].decode(), inside[b"gogoku.hash"].decode()) == ("core", made["hash"])


def test_the_same_tables_give_the_same_bytes_and_another_graph_another_hash(store, tmp_path):
    _, first, _, _ = export(store, tmp_path)
    _, again, _, _ = export(store, tmp_path)
    assert first == again
    assert export(store, tmp_path, graph=GraphConfig(k=21))[1]["hash"] != first["hash"]


def test_alpha158_is_computed_from_bars_and_a_late_start_equals_the_whole(store, tmp_path):
    start = date(2024, 5, 20)
    frame, made, _, _ = export(store, tmp_path, "alpha158", first=start)
    bars = store.tables.scan(daily_bars.TABLE, end=LAST).collect()
    whole = alpha158(stage_prices(bars)).filter(pl.col("session") >= start).sort("session", "code")
    assert frame.select("session", "code", *NAMES).equals(whole, null_equal=True)
    assert set(made["tables"]) == {"core_jquants__daily_bars", "core__universe", "data__labels"}
    assert frame["available_at"].dt.hour().unique().to_list() == [16]
    assert len(source_of("alpha158", "Free", GraphConfig()).hash) == 64


@pytest.mark.parametrize(("first", "last"), [(LAST, FIRST), (date(2024, 5, 3), date(2024, 5, 6))])
def test_a_range_without_sessions_is_refused(store, tmp_path, first, last):
    with pytest.raises(DataError, match="no session"):
        export(store, tmp_path, first=first, last=last)


def test_a_missing_session_is_named_and_nothing_is_left_behind(store, tmp_path):
    with pytest.raises(PartitionMissingError, match="2024-06-03"):
        export(store, tmp_path, last=date(2024, 6, 3))
    assert not list(tmp_path.rglob("*.parquet*"))


def test_an_unknown_set_and_one_above_the_plan_are_refused(store, tmp_path):
    with pytest.raises(FeatureError, match="unknown name"):
        export(store, tmp_path, "shortish")
    with pytest.raises(FeatureError, match="Light plan"):
        export(store, tmp_path, "premium", plan="Light")


def test_a_failing_piece_leaves_no_file(store, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    out = tmp_path / "core.parquet"
    with pytest.raises(KeyboardInterrupt):
        export_dataset(store, Wanted("core", "Premium", FIRST, LAST), out, written_at=NOW, tell=stop)
    assert not list(tmp_path.iterdir())


def test_what_is_not_known_yet_has_no_label_but_a_row(tmp_path):
    opened = open_store(f"file://{tmp_path}/late")
    market.fill(opened, label_sessions=market.SESSIONS[:-5])
    with pytest.raises(PartitionMissingError, match="data__labels"):
        export(opened, tmp_path, last=market.SESSIONS[-1])
    assert export(opened, tmp_path, last=market.SESSIONS[-1], with_labels=False)[0].height > 0
