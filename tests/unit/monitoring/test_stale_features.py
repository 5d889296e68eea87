"""Features that died are found where they are planted; what may honestly stand still, or is young, is left alone."""

import io
from datetime import date

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from gogoku.commands.features import stale_table
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.holdout import Holdout
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.graph.catalogue import family_table, feature_set, registry
from gogoku_pipeline.monitoring import stale_features as stale
from gogoku_pipeline.monitoring.stale_report import stale_report
from gogoku_pipeline.store import CommitInfo, open_store

DAYS = tse_calendar().between(date(2022, 1, 4), date(2023, 6, 30))[:320]
CODES = [f"{1000 + n}0" for n in range(30)]
NAMES = ("ret_1d", "ret_5d", "vol_20d", "cal_half_session_flag", "beta_60d", "val_bp")
SOURCES = {"val_bp": ("summary.Eq", "bars.C")}
COMMIT = CommitInfo(run_id="t", code_version="1")


def planted(days, names, seed=1, **changed):
    """Values that move every session; `changed` maps a feature to a function of (session, values)."""
    rng = np.random.default_rng(seed)
    parts = []
    for day in days:
        row = {name: rng.normal(size=len(CODES)) for name in names}
        row |= {name: change(day, row[name]) for name, change in changed.items()}
        parts.append(pl.DataFrame({"session": [day] * len(CODES), "code": CODES, **row}))
    return pl.concat(parts)


def until(last, then=None):
    """As it was until a day; afterwards missing, or a fixed value for each stock."""
    return lambda day, values: values if day <= last else (values * np.nan if then is None else then)


def judged(rows, names=NAMES, stored=400, signals=None):
    features = [registry().feature(name) for name in names]
    sources = {name: SOURCES.get(name, ("bars.C",)) for name in names}
    quiet = {each.name: stale.expected(each, sources[each.name]).quiet for each in features}
    days = rows["session"].unique().sort().to_list()
    measured = stale.movement(rows, names, quiet)
    nothing = pl.DataFrame(schema=stale.SIGNAL) if signals is None else signals
    found = stale.verdicts(measured, nothing, features, days, stored, sources)
    return {row["feature"]: row for row in found.iter_rows(named=True)}


def test_living_features_are_alive():
    found = judged(planted(DAYS[:70], NAMES))
    assert {row["verdict"] for row in found.values()} == {"alive"}
    assert {row["last_move_on"] for row in found.values()} == {DAYS[69]}


def test_what_stopped_went_missing_or_became_one_value_is_named_with_its_last_day():
    days, frozen = DAYS[:70], np.arange(len(CODES)) / 7
    rows = planted(days, NAMES, ret_1d=until(days[40], frozen), ret_5d=until(days[45]), vol_20d=until(days[40], 0.25))
    found = judged(rows)
    assert found["ret_1d"]["verdict"] == "stopped" and found["ret_1d"]["last_move_on"] == days[41]
    assert "has moved since" in found["ret_1d"]["words"] and "bars.C" in found["ret_1d"]["words"]
    assert found["ret_5d"]["verdict"] == "gone" and found["ret_5d"]["last_value_on"] == days[45]
    assert found["ret_5d"]["null_share"] == 1.0
    assert found["vol_20d"]["verdict"] == "constant" and "0.25 for every stock" in found["vol_20d"]["words"]
    assert found["beta_60d"]["verdict"] == "alive"
    assert list(found)[:3] == ["ret_5d", "vol_20d", "ret_1d"], "the dead come first"


def test_a_pause_shorter_than_the_source_makes_itself_is_no_death():
    days, frozen = DAYS[:70], np.arange(len(CODES)) / 7
    month = judged(planted(days, NAMES, ret_1d=until(days[52], frozen), val_bp=until(days[30], frozen)))
    assert month["ret_1d"]["verdict"] == "alive", "17 sessions"
    assert month["val_bp"]["verdict"] == "alive", "companies disclose once a quarter"
    assert judged(planted(days, NAMES, val_bp=until(days[2], frozen)))["val_bp"]["verdict"] == "stopped"


def test_one_stock_that_moves_keeps_a_feature_alive_and_a_new_listing_does_not():
    days, frozen = DAYS[:70], np.arange(len(CODES)) / 7
    rows = planted(days, NAMES, ret_1d=until(days[10], frozen))
    moved = pl.when((pl.col("session") == days[60]) & (pl.col("code") == CODES[3])).then(9.0).otherwise("ret_1d")
    assert judged(rows.with_columns(moved.alias("ret_1d")))["ret_1d"]["verdict"] == "alive"
    newcomer = rows.filter((pl.col("code") != CODES[3]) | (pl.col("session") >= days[60]))
    assert judged(newcomer)["ret_1d"]["verdict"] == "stopped"


def test_flags_may_stand_still_and_young_tables_are_not_judged():
    days = DAYS[:70]
    rows = planted(days, NAMES, cal_half_session_flag=lambda day, values: values * 0.0)
    assert judged(rows)["cal_half_session_flag"]["verdict"] == "alive"
    assert judged(rows, stored=40)["beta_60d"]["verdict"] == "young", "its window is longer than the history"
    assert judged(planted(days[:15], NAMES, ret_1d=until(days[0])))["ret_1d"]["verdict"] == "young"


def outcomes(rows, name, strength, seed=5):
    noise = np.random.default_rng(seed).normal(size=rows.height)
    return rows.select("session", "code", (strength * pl.col(name) + noise).alias("gauss_open"))


def test_a_year_of_rank_ic_tells_a_signal_from_silence():
    rows = planted(DAYS[:240:6], NAMES)
    signals = stale.signal(rows, outcomes(rows, "ret_1d", 0.5), ("ret_1d", "ret_5d"))
    found = {row["feature"]: row for row in signals.iter_rows(named=True)}
    assert found["ret_1d"]["days"] == 40 and found["ret_1d"]["rank_ic_low"] > 0.2
    assert found["ret_5d"]["rank_ic_low"] < 0 < found["ret_5d"]["rank_ic_high"]
    said = judged(planted(DAYS[:70], NAMES), signals=signals)
    assert said["ret_5d"]["verdict"] == "silent" and "of 40 days" in said["ret_5d"]["words"]
    assert said["ret_1d"]["verdict"] == "alive"
    few = stale.signal(rows.filter(pl.col("session") < DAYS[60]), outcomes(rows, "ret_1d", 0.5), ("ret_5d",))
    assert few["rank_ic_low"].item() is None and few["days"].item() == 10


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """All features of the Free plan's price family stored for 320 sessions: `ret_5d` stopped, `vol_20d` is gone."""
    store = open_store(f"file://{tmp_path_factory.mktemp('stale')}/store")
    table = family_table("feat__prices", "Free")
    names = [column.name for column in table.columns if column.name not in ("session", "code", "available_at")]
    stop = DAYS[280]
    changed = {"ret_5d": until(stop, np.arange(len(CODES)) / 90), "vol_20d": until(stop)}
    rows = planted(DAYS, names, **changed).with_columns(pl.col(names).cast(pl.Float32).fill_nan(None).clip(0.0, 1.0))
    at = pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Tokyo").alias("available_at")
    whole = rows.with_columns(at).select(table.polars_schema.names()).cast(table.polars_schema)
    store.tables.write_whole(table, whole, commit=COMMIT)
    told = outcomes(rows, "ret_1d", 2.0).with_columns(pl.lit(5, pl.Int16).alias("horizon_d"), at)
    kinds = LABELS.polars_schema
    rest = {name: pl.lit(0 if kinds[name].is_numeric() else None) for name in kinds if name not in told.columns}
    rest = {name: pl.lit(False) if kinds[name] == pl.Boolean else one for name, one in rest.items()}
    rest = {name: pl.col("session") if kinds[name] == pl.Date else one for name, one in rest.items()}
    labels = told.with_columns(one.cast(kinds[name]).alias(name) for name, one in rest.items())
    store.tables.write_whole(LABELS, labels.select(kinds.names()).cast(kinds), commit=COMMIT)
    return store


def test_the_report_reads_the_deployed_set_from_the_tables(store):
    found = stale_report(store, "Free")
    rows = {row["feature"]: row for row in found.iter_rows(named=True)}
    in_table = set(family_table("feat__prices", "Free").polars_schema.names())
    assert set(rows) == in_table & set(feature_set("free", "Free"))
    assert rows["ret_5d"]["verdict"] == "stopped" and rows["ret_5d"]["last_move_on"] == DAYS[281]
    assert rows["vol_20d"]["verdict"] == "gone" and rows["vol_20d"]["words"] == f"no value since {DAYS[280]}"
    assert rows["ret_1d"]["verdict"] == "alive" and rows["ret_1d"]["rank_ic"] > 0.3
    assert rows["ret_1d"]["psi"] is None, "thirty stocks have no shape to drift"
    assert found["verdict"][0] == "gone"
    early = stale_report(store, "Free", newest=DAYS[285])
    assert dict(early.select("feature", "verdict").iter_rows())["ret_5d"] != "stopped"


def test_people_are_shown_the_dead_first_and_the_living_as_a_number(store):
    shown = Console(file=io.StringIO(), width=200)
    found = stale_report(store, "Free")
    shown.print(stale_table(found))
    lines = shown.file.getvalue().splitlines()
    alive = found.filter(pl.col("verdict") == "alive").height
    assert f"{found.height} features: 1 gone," in lines[0] and lines[0].strip().endswith(f"{alive} alive")
    body = [line.split() for line in lines if line.startswith("│")]
    assert body[0][1:4:2] == ["gone", "vol_20d"] and "100%" in body[0]
    assert not any("alive" in line for line in lines[1:])


def test_sealed_sessions_lend_no_outcome(store):
    sealed = Holdout(DAYS[200])
    days = dict(stale_report(store, "Free", holdout=sealed).select("feature", "days").iter_rows())
    assert 0 < days["ret_1d"] <= 200 // 6
    nothing = stale_report(store, "Free", holdout=Holdout(DAYS[0]))
    assert nothing["days"].null_count() == nothing.height
