"""The publisher's own client, unmodified, reads the simulator: columns, types, pages, errors.

It checks the master's columns by itself; for bars, TOPIX and the calendar it accepts anything, so its constants are
compared here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

import pandas as pd
import pytest
from jquantsapi import ClientV2, constants
from requests.exceptions import HTTPError

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import FaultPlan, ServerFailure, When
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.simulator.server import SimulatorServer
from gogoku_pipeline.simulator.thread import run_simulator_thread

PAGE_BYTES = 9_000

# The client 2.8.0 sorts in place, which pandas 3.1 warns about; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:pandas.errors.Pandas4Warning")


@pytest.fixture(scope="module")
def market() -> Market:
    return generate_market(MarketConfig.preset("tiny"))


@pytest.fixture(scope="module")
def server(market: Market) -> Iterator[SimulatorServer]:
    evening = datetime.combine(market.sessions[-1], time(19), JST)
    with run_simulator_thread(market, VirtualClock(evening, rate_scale=1000.0), page_bytes=PAGE_BYTES) as running:
        yield running


def _client(server: SimulatorServer, plan: str = "premium") -> ClientV2:
    client = ClientV2(api_key=f"simulator-{plan}-key")
    client.JQUANTS_API_BASE = server.base_url
    return client


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[ClientV2]:
    reader = _client(server)
    yield reader
    if reader._session is not None:
        reader._session.close()


def _pages(server: SimulatorServer, path: str) -> int:
    return max(seen.page for seen in server.requests_seen if seen.path == path)


def test_the_master_is_read_over_several_pages(client, server, market):
    frame = client.get_eq_master(date=market.sessions[-1].isoformat())
    assert list(frame.columns) == constants.EQ_MASTER_COLUMNS_V2
    listed = market.listings.listed(len(market.sessions) - 1)
    assert frame["Code"].tolist() == [code for code, is_listed in zip(market.codes, listed, strict=True) if is_listed]
    assert _pages(server, "/equities/master") > 1


def test_section_and_sector_names_are_those_the_client_knows(client, market):
    frame = client.get_list(date_yyyymmdd=market.sessions[-1].isoformat())
    assert frame[["S17NmEn", "S33NmEn", "MktNmEn"]].notna().all().all()
    names = client.get_market_segments().set_index("Mkt")["MktNm"]
    assert all(names[row.Mkt] == row.MktNm for row in frame.itertuples())


def test_bars_of_a_day_carry_every_column_the_client_lists(client, server, market):
    frame = client.get_eq_bars_daily(date_yyyymmdd=market.sessions[-1].strftime("%Y%m%d"))
    assert set(constants.EQ_BARS_DAILY_COLUMNS_V2) <= set(frame.columns)
    assert set(frame.columns) - set(constants.EQ_BARS_DAILY_COLUMNS_V2) == {"MktCap", "ExRT"}
    assert frame["C"].dtype == float and frame["Code"].map(type).eq(str).all()
    assert (frame["Date"] == pd.Timestamp(market.sessions[-1])).all()
    assert _pages(server, "/equities/bars/daily") > 1


def test_bars_below_premium_lack_the_session_columns(server, market):
    reader = _client(server, "light")
    frame = reader.get_eq_bars_daily(date_yyyymmdd=market.sessions[-1].isoformat())
    reader._session.close()
    halves = {name for name in constants.EQ_BARS_DAILY_COLUMNS_V2 if name[0] in "MA" and not name.startswith("Adj")}
    assert len(halves) == 26 and not halves & set(frame.columns) and len(frame.columns) == 18


def test_bars_of_an_issue_cover_its_whole_listing(client, market):
    code = market.codes[-1]
    frame = client.get_eq_bars_daily(code=code)
    assert len(frame) == int(market.listings.last[-1] - market.listings.first[-1]) + 1
    ranged = client.get_eq_bars_daily(code=code, from_yyyymmdd="20200701", to_yyyymmdd="20200710")
    assert ranged["Date"].between("2020-07-01", "2020-07-10").all() and len(ranged) == 8


def test_topix_and_the_calendar_carry_the_clients_columns(client, market):
    index = client.get_idx_bars_daily_topix()
    assert list(index.columns) == constants.INDICES_TOPIX_COLUMNS_V2 and len(index) == len(market.sessions)
    days = client.get_mkt_calendar(from_yyyymmdd="20200901", to_yyyymmdd="20201031")
    assert len(days) == 61 and set(days.columns) == {"Date", "HolDiv"}
    assert days.set_index("Date")["HolDiv"]["2020-10-01"] == "1"


def test_refusals_reach_the_client_with_their_words(server):
    reader = _client(server, "free")
    with pytest.raises(HTTPError, match="403 for url: .* body: This API is not available on your subscription"):
        reader.get_idx_bars_daily_topix()
    reader._session.close()


def test_a_server_error_raises_in_the_client_at_once_on_plain_http(market):
    evening = datetime.combine(market.sessions[-1], time(19), JST)
    with run_simulator_thread(
        market, VirtualClock(evening), faults=FaultPlan(ServerFailure(When(times=None)))
    ) as failing:
        reader = _client(failing)
        with pytest.raises(HTTPError, match="500 for url: .* body: Unexpected error"):
            reader.get_eq_bars_daily(date_yyyymmdd="20200601")
        reader._session.close()
        assert len(failing.requests_seen) == 1
