"""`gogoku fetch` on a served market: several sources in one table, files of a folder, a series from outside."""

import gzip
import json
from datetime import datetime, time

import polars as pl
import pytest
from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import DataError, RequestError
from gogoku_pipeline.ingest import SourcesFailedError
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import FaultPlan, ServerFailure, When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.server import ServerOptions
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig.preset("tiny", seed=7))


@pytest.fixture
def served(market, tmp_path):
    """A server without rates at its own evening, and a runner whose environment points at it."""

    def run(*arguments, faults=(), plan="premium"):
        clock = VirtualClock(datetime.combine(market.sessions[-1], time(19, 30), tzinfo=JST))
        options = ServerOptions(is_rate_limited=False)
        with run_simulator_thread(market, clock, faults=FaultPlan(*faults), options=options) as server:
            runner = CliRunner(
                env={
                    "GOGOKU_DATA_URL": f"file://{tmp_path}/data",
                    "GOGOKU_CACHE_DIR": f"{tmp_path}/cache",
                    "GOGOKU_API_URL": server.base_url,
                    "GOGOKU_PLAN": plan,
                    "JQUANTS_API_KEY": f"simulator-{plan}-key",
                    "COLUMNS": "200",
                }
            )
            return runner.invoke(build_app(), ["fetch", *arguments])

    return run


def store(tmp_path):
    return open_store(f"file://{tmp_path}/data")


def test_several_sources_come_as_one_group_with_a_line_each(served, market, tmp_path):
    day = market.sessions[-8].isoformat()
    result = served("daily_bars,statements,breakdown", day, "--json")
    assert result.exit_code == 0, result.output
    reports = json.loads(result.stdout)
    assert [report["source"] for report in reports] == ["daily_bars", "statements", "breakdown"]
    assert reports[0]["rows"] == store(tmp_path).raw.requests("daily_bars")["row_count"].sum() > 0


def test_what_the_plan_lacks_is_a_line_and_no_failure(served, market):
    result = served("daily_bars,breakdown", market.sessions[-8].isoformat(), plan="light")
    assert result.exit_code == 0, result.output
    assert "not in the plan" in result.output
    assert "daily_bars" in result.output


def test_a_failing_source_is_named_after_the_table_of_the_others(served, market):
    broken = ServerFailure(When(path="/markets/breakdown", times=None), status=400)
    result = served("daily_bars,breakdown", market.sessions[-8].isoformat(), faults=[broken])
    assert isinstance(result.exception, SourcesFailedError)
    assert "breakdown" in str(result.exception)
    assert "daily_bars" in result.output


def test_one_source_of_every_axis(served, market):
    first, last = market.sessions[-8].isoformat(), market.sessions[-7].isoformat()
    for source in ("topix", "margin_alerts", "earnings_calendar"):
        result = served(source, first, last, "--json")
        assert result.exit_code == 0, (source, result.output)
        assert json.loads(result.stdout)["source"] == source


def test_an_unknown_source_is_refused_with_the_list(served, market):
    result = served("prices", market.sessions[-8].isoformat())
    assert isinstance(result.exception, RequestError)
    assert "daily_bars" in result.exception.want


def test_nothing_named_is_a_wrong_use(served):
    assert served().exit_code == 2


def test_a_folder_of_files_is_landed_and_the_bad_one_fails_the_command(served, tmp_path):
    (tmp_path / "files").mkdir()
    names = [f"indices_bars_daily_topix_20210{n}.csv.gz" for n in (1, 2)]
    rows = pl.DataFrame({"Date": ["2021-01-04", "2021-01-05"], **dict.fromkeys("OHLC", ["1", "2"])})
    (tmp_path / "files" / names[0]).write_bytes(gzip.compress(rows.write_csv().encode()))
    good = served("--from-files", str(tmp_path / "files"))
    assert good.exit_code == 0, good.output
    assert ("topix" in good.output, "landed" in good.output) == (True, True)
    (tmp_path / "files" / names[1]).write_bytes(b"no gzip")
    bad = served("--from-files", str(tmp_path / "files"), "--source", "topix", "--json")
    assert isinstance(bad.exception, DataError)
    assert [item["outcome"] for item in json.loads(bad.stdout)] == ["known", "refused"]
    assert store(tmp_path).raw.requests("topix").height == 1


def test_an_outside_series_is_landed_by_name(served, tmp_path):
    (tmp_path / "fx.csv").write_text("date,rate_jpy_per_usd\n2021-01-04,103.1\n")
    result = served("--external", "usdjpy", str(tmp_path / "fx.csv"))
    assert result.exit_code == 0, result.output
    assert store(tmp_path).raw.requests("ext_usdjpy")["row_count"].to_list() == [1]
