"""Served intervals are counted against what happened since, and only against what was known."""

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.monitoring.live_intervals import served_calibration
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.universe import UNIVERSE

DAYS = tse_calendar().between(date(2024, 1, 4), date(2024, 3, 29))[:30]
CODES = [f"{1000 + n}0" for n in range(20)]
HORIZON, WHO = 5, CommitInfo("run-1", "test")


def evening(day):
    return datetime.combine(day, time(19), JST)


def filled(table, frame):
    """Every declared column; those nobody asks about hold a value of their type."""
    plain = {pl.String: "1", pl.Float64: 1.0, pl.Boolean: True}
    missing = [c for c in table.columns if c.name not in frame.columns]
    return frame.with_columns(
        *(pl.lit(None if c.nullable else plain.get(c.dtype, 1)).cast(c.dtype).alias(c.name) for c in missing)
    ).select(pl.col(name).cast(dtype) for name, dtype in table.polars_schema.items())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Thirty lists whose intervals end at -1 and +1; three outcomes in ten lie below, one in ten above."""
    kept = open_store(f"file://{tmp_path_factory.mktemp('store')}")
    keys = pl.DataFrame({"session": [day for day in DAYS for _ in CODES], "code": CODES * len(DAYS)})
    stamp = {"available_at": pl.lit(evening(DAYS[0]))}
    lists = keys.with_columns(
        rank=pl.Series(list(range(1, 21)) * len(DAYS)),
        horizon_d=pl.lit(HORIZON),
        interval_low=pl.lit(-1.0),
        interval_high=pl.lit(1.0),
        **stamp,
    )
    kept.tables.write_sessions(PREDICTIONS, filled(PREDICTIONS, lists), DAYS, commit=WHO)
    kept.tables.write_sessions(UNIVERSE, filled(UNIVERSE, keys.with_columns(**stamp)), DAYS, commit=WHO)
    outcome = np.tile([-2.0] * 6 + [0.0] * 12 + [2.0] * 2, len(DAYS))
    ends = [day + timedelta(days=10) for day in DAYS for _ in CODES]
    labels = keys.with_columns(
        horizon_d=pl.lit(HORIZON),
        excess_open=pl.Series(outcome),
        exit_session=pl.Series(ends),
        available_at=pl.Series([datetime.combine(day, time(19), JST) for day in ends]).dt.convert_time_zone(
            "Asia/Tokyo"
        ),
        reason=pl.lit(None, dtype=pl.String),
    )
    kept.tables.write_whole(LABELS, filled(LABELS, labels), commit=WHO)
    return kept


def test_the_share_of_outcomes_below_each_end_is_counted(store):
    found = served_calibration(store, DAYS[-1] + timedelta(days=60), HORIZON)
    assert found.select("bucket", "quantile", "n_days").rows() == [("all", 0.1, 30), ("all", 0.9, 30)]
    assert found["coverage"].to_list() == pytest.approx([0.3, 0.9])
    assert found["gap"].to_list() == pytest.approx([0.2, 0.0])


def test_outcomes_that_an_evening_could_not_know_are_not_looked_at(store):
    found = served_calibration(store, DAYS[20], HORIZON)
    assert found["n_days"].to_list() == [sum(day + timedelta(days=10) <= DAYS[20] for day in DAYS)] * 2
    assert served_calibration(store, DAYS[0], HORIZON) is None


def test_without_a_served_interval_there_is_nothing_to_say(store, tmp_path):
    assert served_calibration(store, DAYS[-1], 20) is None
    assert served_calibration(open_store(f"file://{tmp_path / 'empty'}"), DAYS[-1], HORIZON) is None
