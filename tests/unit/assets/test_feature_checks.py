"""The check step of a family: planted defects are named on their session, and a short history is not judged."""

from __future__ import annotations

from datetime import date, datetime, time

import numpy as np
import polars as pl
import pytest

from assets.checks import WARN, Scope, evaluations
from assets.feature_checks import HEALTH
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.graph.catalogue import family_table
from gogoku_pipeline.store import CommitInfo, open_store
from resources.compute import Compute

TABLE = family_table("feat__company")
DAYS = tse_calendar().between(date(2023, 1, 4), date(2023, 12, 29))
STOCKS = 110
FROZEN, MOVED = DAYS[-1], "fin_roa_ttm"
COMMIT = CommitInfo(run_id="test", code_version="1")
CHECKS = {check.name: check for check in HEALTH}


def rows(days):
    """Slow noise inside the columns' bounds; one flag is always 0, one feature changes its shape in December."""
    rng, calm = np.random.default_rng(3), np.random.default_rng(4).normal(size=(STOCKS, len(TABLE.columns)))
    frames = []
    for day in days:
        made = {"session": [day] * STOCKS, "code": [f"{n:05d}" for n in range(STOCKS)]}
        for place, column in enumerate(TABLE.columns[2:-1]):
            low = column.at_least if column.at_least is not None else -1.0
            high = column.at_most if column.at_most is not None else low + 2.0
            slow = calm[:, place] + 0.1 * rng.normal(size=STOCKS)
            inside = low + (high - low) / (1 + np.exp(-slow))
            made[column.name] = np.round(inside) if column.unit in ("flag", "category", "count") else inside
        made["earn_pending_flag"] = np.zeros(STOCKS)
        if day >= date(2023, 12, 1):
            made[MOVED] = np.exp(3 * calm[:, 0])
        frames.append(pl.DataFrame(made))
    known = [datetime.combine(day, time(18, 0), JST) for day in days for _ in range(STOCKS)]
    whole = pl.concat(frames).with_columns(pl.Series("available_at", known, dtype=TABLE.polars_schema["available_at"]))
    return whole.cast(dict(TABLE.polars_schema))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = open_store(f"file://{tmp_path_factory.mktemp('store')}")
    opened.tables.write_sessions(TABLE, rows(DAYS), DAYS, commit=COMMIT)
    return opened


def answer(store, name, sessions, folder):
    frame = store.tables.scan(TABLE, start=sessions[0], end=sessions[-1]).collect()
    scope = Scope(TABLE, frame, list(sessions), store, Compute(cache_dir=folder, first_session=DAYS[0]), True)
    return list(evaluations(CHECKS[name], scope))


def test_none_of_them_blocks():
    assert {check.severity for check in HEALTH} == {WARN}
    assert not [check.name for check in HEALTH if check.spec(TABLE.name, None).blocking]


def test_the_stuck_flag_is_named_and_no_other(store, tmp_path):
    (verdict,) = answer(store, "values_vary", DAYS[-1:], tmp_path)
    assert not verdict.passed
    assert "earn_pending_flag" in verdict.description
    assert verdict.metadata["constant"].value == 1


def test_the_moved_shape_is_named_and_drawn(store, tmp_path):
    (verdict,) = answer(store, "drift", DAYS[-1:], tmp_path)
    assert not verdict.passed
    assert MOVED in verdict.description and verdict.metadata["moved"].value == 1
    assert "data:image/png" in verdict.metadata["drift"].md_str


def test_a_short_history_is_not_judged_and_says_so(store, tmp_path):
    for name in ("values_vary", "drift"):
        (verdict,) = answer(store, name, DAYS[99:100], tmp_path)
        assert verdict.passed
        assert verdict.description == "not judged: 80 of the 120 earlier sessions it takes"


def test_plain_days_moved_on(store, tmp_path):
    (verdict,) = answer(store, "moved_on", DAYS[-30:], tmp_path)
    assert verdict.passed
    assert 1 <= verdict.metadata["compared"].value <= 12


def test_the_first_session_has_no_yesterday(store, tmp_path):
    (verdict,) = answer(store, "moved_on", DAYS[:1], tmp_path)
    assert verdict.passed and verdict.metadata["compared"].value == 0


def test_a_wrong_unit_is_a_line_for_its_session_and_one_summary(tmp_path):
    opened = open_store(f"file://{tmp_path}/store")
    days = DAYS[-3:]
    broken = pl.when(pl.col("session") == days[1]).then(pl.lit(3e7, dtype=pl.Float32)).otherwise("val_bp")
    opened.tables.write_sessions(TABLE, rows(days).with_columns(broken.alias("val_bp")), days, commit=COMMIT)
    line, verdict = answer(opened, "values_in_unit_range", days, tmp_path)
    assert line.partition == days[1].isoformat() and not line.passed
    assert "val_bp up to 3e+07" in verdict.description
    assert verdict.metadata["failed_sessions"].value == 1


def test_yesterday_again_is_noticed_for_features_of_the_day_alone(tmp_path):
    prices = family_table("feat__prices")
    opened = open_store(f"file://{tmp_path}/store")
    days = DAYS[-2:]
    once = {"session": [days[0]] * STOCKS, "code": [f"{n:05d}" for n in range(STOCKS)]}
    once |= {c.name: np.linspace(0.1, 0.9, STOCKS) for c in prices.columns[2:-1] if c.unit not in ("flag", "category")}
    known = pl.Series(
        [datetime.combine(days[0], time(16, 30), JST)] * STOCKS, dtype=prices.polars_schema["available_at"]
    )
    first = pl.DataFrame(once).with_columns(known.alias("available_at"))
    missing = [pl.lit(1.0).alias(name) for name in prices.polars_schema.names() if name not in first.columns]
    first = first.with_columns(missing).select(prices.polars_schema.names()).cast(dict(prices.polars_schema))
    both = pl.concat([first, first.with_columns(pl.lit(days[1]).alias("session"))])
    opened.tables.write_sessions(prices, both, days, commit=COMMIT)
    scope = Scope(prices, both, list(days[1:]), opened, Compute(cache_dir=tmp_path, first_session=DAYS[0]), True)
    line, verdict = evaluations(CHECKS["moved_on"], scope)
    assert line.partition == days[1].isoformat()
    assert "ret_1d: the same as yesterday for all 110 stocks" in verdict.description
    assert "cal_" not in verdict.description
