"""The publisher's own client, unmodified, reads every other endpoint of the simulator: each documented call.

Where the client takes any columns, its own lists of columns are compared here.
"""

from __future__ import annotations

import gzip
import inspect
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pandas as pd
import pytest
from jquantsapi import ClientV2, constants
from jquantsapi.enums import BulkEndpoint
from requests.exceptions import HTTPError, JSONDecodeError

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.simulator.rules import LOWEST_PLAN
from gogoku_pipeline.simulator.server import ServerOptions, SimulatorServer
from gogoku_pipeline.simulator.thread import run_simulator_thread

pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame:pandas.errors.Pandas4Warning",
    # The range methods glue frames with and without values together.
    "ignore:The behavior of DataFrame concatenation with empty or all-NA entries:FutureWarning",
)

NOT_SOLD_HERE = {"minute", "5minute", "15minute", "edinet", "td"}
"""Add-ons and EDINET: no part of what the simulator offers."""


@pytest.fixture(scope="module")
def market() -> Market:
    return generate_market(MarketConfig.preset("tiny"))


@pytest.fixture(scope="module")
def late_market() -> Market:
    """A market across the change of the margin balances on 2026-09-28."""
    return generate_market(MarketConfig(30, 70, date(2026, 7, 1)))


def _serving(market: Market, at: datetime | None = None, **settings) -> Iterator[SimulatorServer]:
    evening = at or datetime.combine(market.sessions[-1], time(19), JST)
    options = ServerOptions(is_rate_limited=False)
    with run_simulator_thread(market, VirtualClock(evening), options=options, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def server(market: Market) -> Iterator[SimulatorServer]:
    yield from _serving(market)


@pytest.fixture(scope="module")
def late_server(late_market: Market) -> Iterator[SimulatorServer]:
    yield from _serving(late_market)


@pytest.fixture
def connect() -> Iterator:
    readers = []

    def open_client(server: SimulatorServer, plan: str = "premium") -> ClientV2:
        reader = ClientV2(api_key=f"simulator-{plan}-key")
        reader.JQUANTS_API_BASE = server.base_url
        readers.append(reader)
        return reader

    yield open_client
    for reader in readers:
        if reader._session is not None:
            reader._session.close()


@pytest.fixture
def client(connect, server: SimulatorServer) -> ClientV2:
    return connect(server)


def _first_day_with_rows(market: Market, read) -> tuple[str, pd.DataFrame]:
    """The newest calendar day on which a call gives rows, and the rows."""
    for n in range(90):
        day = (market.sessions[-1] - timedelta(days=n)).isoformat()
        if len(frame := read(day)):
            return day, frame
    raise AssertionError("no day of the last ninety has rows")


BY_DAY = {
    "get_eq_valuation": constants.EQ_VALUATION_COLUMNS_V2,
    "get_fin_dividend": constants.FINS_DIVIDEND_COLUMNS_V2,
    "get_idx_bars_daily": constants.INDICES_COLUMNS_V2,
    "get_mkt_short_ratio": constants.MKT_SHORT_RATIO_COLUMNS_V2,
    "get_mkt_margin_interest": constants.MKT_MARGIN_INTEREST_COLUMNS_V2,
    "get_mkt_margin_alert": constants.DAILY_MARGIN_INTEREST_COLUMNS_V2,
    "get_mkt_breakdown": constants.MKT_BREAKDOWN_COLUMNS_V2,
    "get_fin_earnings_date": constants.FIN_EARNINGS_DATE_COLUMNS_V2,
    "get_drv_bars_daily_fut": constants.DERIVATIVES_FUTURES_COLUMNS_V2,
    "get_drv_bars_daily_opt": constants.DERIVATIVES_OPTIONS_COLUMNS_V2,
}
"""Methods that take `date_yyyymmdd`, and the client's list of columns."""


@pytest.mark.parametrize("method", BY_DAY)
def test_a_day_has_exactly_the_columns_the_client_lists(client, market, method):
    _, frame = _first_day_with_rows(market, lambda day: getattr(client, method)(date_yyyymmdd=day))
    assert list(frame.columns) == BY_DAY[method]


RANGED = ("get_eq_valuation", "get_fin_dividend", "get_idx_bars_daily", "get_mkt_margin_interest")
RANGED += ("get_mkt_margin_alert", "get_mkt_breakdown")


@pytest.mark.parametrize("method", RANGED)
def test_a_code_is_read_whole_and_over_a_range(client, market, method):
    day, frame = _first_day_with_rows(market, lambda day: getattr(client, method)(date_yyyymmdd=day))
    code = frame["Code"].iloc[0]
    whole = getattr(client, method)(code=code)
    ranged = getattr(client, method)(code=code, from_yyyymmdd=day, to_yyyymmdd=day)
    assert set(whole["Code"]) == {code} and len(whole) >= len(ranged) > 0
    assert (ranged["Code"] == code).all()


def test_a_sector_is_read_whole_and_over_a_range(client, market):
    whole = client.get_mkt_short_ratio(sector_33_code="50")
    day = market.sessions[-3].isoformat()
    ranged = client.get_mkt_short_ratio(sector_33_code="0050", from_yyyymmdd=day, to_yyyymmdd=day)
    assert len(whole) > 100 and len(ranged) == 1
    assert set(whole["S33"]) == {"0050"}


RANGES = (
    "get_eq_bars_daily_range",
    "get_eq_valuation_range",
    "get_fin_summary_range",
    "get_fin_details_range",
    "get_mkt_short_ratio_range",
    "get_mkt_short_sale_report_range",
    "get_mkt_margin_interest_range",
    "get_mkt_margin_alert_range",
    "get_mkt_breakdown_range",
    "get_drv_bars_daily_fut_range",
    "get_drv_bars_daily_opt_range",
    "get_drv_bars_daily_opt_225_range",
)


@pytest.mark.parametrize("method", RANGES)
@pytest.mark.filterwarnings("ignore:get_fin_:DeprecationWarning")
def test_a_range_of_calendar_days_is_read_with_its_five_threads(client, method):
    frame = getattr(client, method)(pd.Timestamp("2020-11-09"), pd.Timestamp("2020-11-16"))
    assert len(frame) > 0


def test_a_range_of_announced_dates_is_read(client):
    frame = client.get_fin_earnings_date_range(pd.Timestamp("2021-01-12"), pd.Timestamp("2021-01-20"))
    assert list(frame.columns) == constants.FIN_EARNINGS_DATE_COLUMNS_V2 and len(frame) > 0


def test_every_method_of_the_client_is_called_in_these_tests():
    methods = {
        name
        for name, _ in inspect.getmembers(ClientV2, inspect.isfunction)
        if name.startswith(("get_", "download_")) and not any(part in name for part in NOT_SOLD_HERE)
    }
    local = {"17_sectors", "33_sectors"}  # data of the client itself
    text = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert {name for name in methods if name not in text} == {f"get_{name}" for name in local}


def test_investor_types_are_filtered_by_section_and_publication(client):
    whole = client.get_eq_investor_types()
    assert list(whole.columns) == constants.EQ_INVESTOR_TYPES_COLUMNS_V2
    one = client.get_eq_investor_types(section="TSE1st", from_yyyymmdd="20201001", to_yyyymmdd="20201031")
    assert set(one["Section"]) == {"TSE1st"} and one["PubDate"].between("2020-10-01", "2020-10-31").all()


def test_short_positions_are_read_in_every_documented_combination(client, market):
    day, frame = _first_day_with_rows(market, lambda day: client.get_mkt_short_sale_report(disclosed_date=day))
    assert list(frame.columns) == constants.SHORT_SELLING_POSITIONS_COLUMNS_V2
    code, calculated = frame["Code"].iloc[0], frame["CalcDate"].iloc[0].strftime("%Y-%m-%d")
    for asked in (
        {"code": code},
        {"code": code, "disclosed_date": day},
        {"code": code, "disclosed_date_from": day, "disclosed_date_to": day},
        {"code": code, "calculated_date": calculated},
        {"calculated_date": calculated},
    ):
        found = client.get_mkt_short_sale_report(**asked)
        assert len(found) > 0 and ("code" not in asked or set(found["Code"]) == {code}), asked


def test_margin_balances_turn_daily_and_wide_in_september_2026(connect, late_server, late_market):
    reader = connect(late_server)
    weekly = reader.get_mkt_margin_interest(date_yyyymmdd="20260918")
    daily = reader.get_mkt_margin_interest(published_date_yyyymmdd="20260929")
    assert list(weekly.columns) == list(daily.columns) == constants.MKT_MARGIN_INTEREST_COLUMNS_V2
    assert weekly["PubDate"].isna().all() and weekly["ShrtVal"].isna().all()
    assert (daily["Date"] == pd.Timestamp("2026-09-28")).all() and daily["LongVal"].notna().all()
    code = daily["Code"].iloc[0]
    assert len(reader.get_mkt_margin_interest(code=code, published_date_yyyymmdd="20260929")) == 1
    assert reader.get_mkt_margin_interest(date_yyyymmdd="20260917").empty


@pytest.mark.parametrize(
    ("method", "columns"),
    [
        ("get_fin_summary_cursor", constants.FIN_SUMMARY_COLUMNS_V2),
        ("get_fin_details_cursor", constants.FINS_FS_DETAILS_COLUMNS_V2),
    ],
)
def test_statements_are_read_by_day_by_code_and_by_cursor(client, market, method, columns):
    read = getattr(client, method)
    day, frame = _first_day_with_rows(market, lambda day: read(date_yyyymmdd=day)[0])
    assert list(frame.columns) == columns
    _, cursor = read(date_yyyymmdd=day)
    later, next_cursor = read(date_yyyymmdd=day, cursor=cursor)
    assert later.empty and next_cursor
    with pytest.warns(DeprecationWarning, match="cursor-based"):
        same = getattr(client, method.removesuffix("_cursor"))(code=frame["Code"].iloc[0])
    assert frame["DiscNo"].iloc[0] in set(same["DiscNo"])


def test_statements_over_several_pages_give_a_cursor_at_the_end(market, connect):
    for server in _serving(market, page_bytes=3_000):
        read = connect(server).get_fin_summary_cursor
        days = pd.date_range("2020-11-01", "2020-11-20")
        frame, cursor = max((read(date_yyyymmdd=f"{day:%Y%m%d}") for day in days), key=_length)
        assert cursor and len(frame) > 1 and list(frame.columns) == constants.FIN_SUMMARY_COLUMNS_V2
        assert max(seen.page for seen in server.requests_seen) > 1


def _length(answer: tuple[pd.DataFrame, str | None]) -> int:
    return len(answer[0])


def test_nobody_below_premium_gets_a_cursor(connect, server):
    frame, cursor = connect(server, "standard").get_fin_summary_cursor(date_yyyymmdd="20201109")
    assert cursor is None and len(frame.columns) == 111


def test_announced_dates_are_read_by_code_by_day_and_by_schedule(client, market):
    _, frame = _first_day_with_rows(market, lambda day: client.get_fin_earnings_date(date_yyyymmdd=day))
    assert not client.get_fin_earnings_date(code=frame["Code"].iloc[0]).empty
    _, planned = _first_day_with_rows(market, lambda day: client.get_fin_earnings_date(scheduled_date_yyyymmdd=day))
    assert planned["SchDate"].nunique() == 1


def test_the_earnings_calendar_is_read(market, connect):
    for n in range(30):
        evening = datetime.combine(market.sessions[90 + n], time(20), JST)
        for server in _serving(market, evening):
            frame = connect(server).get_eq_earnings_cal()
        if len(frame):
            break
    assert list(frame.columns) == constants.FINS_ANNOUNCEMENT_COLUMNS_V2


def test_the_morning_is_read_in_its_hours(client, market):
    frame = client.get_eq_bars_daily_am()
    assert list(frame.columns) == constants.PRICES_PRICES_AM_COLUMNS_V2
    assert (frame["Date"] == pd.Timestamp(market.sessions[-1])).all()
    assert len(client.get_eq_bars_daily_am(code=frame["Code"].iloc[0])) == 1


def test_outside_its_hours_the_morning_is_a_210_on_which_the_client_stumbles(market, connect):
    for server in _serving(market, datetime.combine(market.sessions[-1], time(9), JST)):
        with pytest.raises(JSONDecodeError):
            connect(server).get_eq_bars_daily_am()
        assert server.requests_seen[-1].status == 210
        with pytest.raises(JSONDecodeError):
            connect(server).get_eq_bars_daily_am(code="9999")


def test_futures_and_options_are_read_by_category_and_central_month(client, market):
    day, futures = _first_day_with_rows(market, lambda day: client.get_drv_bars_daily_fut(date_yyyymmdd=day))
    one = client.get_drv_bars_daily_fut(date_yyyymmdd=day, category="NK225F")
    assert set(one["ProdCat"]) == {"NK225F"} < set(futures["ProdCat"])
    central = client.get_drv_bars_daily_fut(date_yyyymmdd=day, category="NK225F", contract_flag="1")
    assert 0 < len(central) < len(one) and set(central["CCMFlag"]) == {"1"}
    options = client.get_drv_bars_daily_opt(date_yyyymmdd=day, category="EQOP")
    assert set(options["ProdCat"]) == {"EQOP"}
    code = options["UndSSO"].iloc[0]
    assert set(client.get_drv_bars_daily_opt(date_yyyymmdd=day, category="EQOP", code=code)["UndSSO"]) == {code}
    index = client.get_drv_bars_daily_opt_225(date_yyyymmdd=day)
    wanted = set(constants.DERIVATIVES_OPTIONS_COLUMNS_V2) - {"ProdCat", "UndSSO", "MO", "MH", "ML", "MC", "CCMFlag"}
    assert wanted <= set(index.columns)


def test_every_bulk_endpoint_that_is_sold_has_files(client):
    sold = [one for one in BulkEndpoint if one.value in LOWEST_PLAN]
    left = {one.value for one in BulkEndpoint} - {one.value for one in sold}
    assert left == {"/equities/bars/minute", "/equities/trades"}
    for endpoint in sold:
        frame = client.get_bulk_list(endpoint=endpoint, from_date="2020-11", to_date="2020-12")
        assert list(frame.columns) == constants.BULK_LIST_COLUMNS_V2
        assert 1 <= len(frame) <= 2 and frame["LastModified"].dt.tz is not None, endpoint


def test_bulk_files_are_downloaded_by_key_and_by_endpoint(client, server, tmp_path):
    frame = client.get_bulk_list(date="202009")
    key = next(key for key in frame["Key"] if "bars_daily_2" in key and key.startswith("equities"))
    assert client.get_bulk(key=key).startswith("http://127.0.0.1:")
    client.download_bulk(key, str(tmp_path / "by_key.csv.gz"))
    client.download_bulk_by_endpoint(BulkEndpoint.EQ_BARS_DAILY, "2020-09", str(tmp_path / "by_endpoint.csv.gz"))
    contents = [gzip.decompress((tmp_path / f"by_{how}.csv.gz").read_bytes()) for how in ("key", "endpoint")]
    assert contents[0] == contents[1]
    table = pd.read_csv(tmp_path / "by_key.csv.gz", dtype={"Code": str})
    pages = client.get_eq_bars_daily(date_yyyymmdd="20200909")
    day = table[table["Date"] == "2020-09-09"]
    assert day["Code"].tolist() == pages["Code"].tolist() and day["C"].tolist() == pytest.approx(
        pages["C"].tolist(), nan_ok=True
    )
    assert server.keys_leaked == 0


def test_a_used_url_is_refused_with_the_file_stores_words(client, server):
    url = client.get_bulk(endpoint="/markets/calendar", date="2020-09")
    session = client._request_session()
    assert session.get(url, timeout=10).status_code == 200
    with pytest.raises(HTTPError, match=r"403 for url: .* body: <\?xml"):
        client._raise_for_status(session.get(url, timeout=10))
