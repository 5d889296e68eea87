"""The doctor looks at what nobody else would miss: data that stopped coming, a sensor that stopped ticking."""

from datetime import date, datetime, timedelta

from gogoku.commands.doctor import data, watch
from gogoku.deployment import Deployment
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.schema.daily_bars import TABLE
from gogoku_pipeline.store import CommitInfo
from resources.alerting import leave_heartbeat

EVENING = datetime(2024, 5, 8, 21, 0, tzinfo=JST)


def place(folder, now=EVENING):
    settings = Settings(data_url=f"file://{folder / 'data'}", cache_dir=folder / "cache")
    return Deployment(settings, VirtualClock(now), folder / "dagster")


def test_the_doctor_counts_the_sessions_the_bars_are_behind(tmp_path):
    here = place(tmp_path)
    (empty,) = data(here)
    assert (empty.state, empty.words) == ("ok", "nothing typed yet; the newest session due is 2024-05-08")
    commit = CommitInfo(run_id="test", code_version="1")
    here.open_store().tables.write_sessions(TABLE, TABLE.empty(), [date(2024, 5, 2)], commit=commit)
    (late,) = data(here)
    assert late.state == "note" and "2 sessions behind" in late.words  # Golden Week lies between
    here.open_store().tables.write_sessions(TABLE, TABLE.empty(), [date(2024, 5, 8)], commit=commit)
    (fresh,) = data(here)
    assert fresh.state == "ok" and "newest session 2024-05-08" in fresh.words


def test_the_doctor_says_when_the_alert_sensor_fell_silent(tmp_path):
    (never,) = watch(place(tmp_path))
    assert "never watched" in never.words
    leave_heartbeat(tmp_path / "cache", VirtualClock(EVENING))
    states = {minutes: watch(place(tmp_path, EVENING + timedelta(minutes=minutes)))[0].state for minutes in (1, 30)}
    assert states == {1: "ok", 30: "note"}
