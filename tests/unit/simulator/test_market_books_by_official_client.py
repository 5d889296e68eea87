"""The publisher's own client, unmodified, reads every book of the market with the columns of its constants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from jquantsapi import ClientV2, constants

from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market

# The client 2.8.0 sorts in place, which pandas 3.1 warns about; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:pandas.errors.Pandas4Warning")


@pytest.fixture(scope="module")
def turning():
    """A market through the change of the margin balances."""
    return generate_market(MarketConfig(n_issues=60, n_sessions=60, start=date(2026, 8, 3), seed=5))


@pytest.fixture
def client(turning, serve, clock_at) -> Iterator[ClientV2]:
    server = serve(clock_at(turning.sessions[-1]), of=turning)
    reader = ClientV2(api_key="simulator-premium-key")
    reader.JQUANTS_API_BASE = server.base_url
    yield reader
    if reader._session is not None:
        reader._session.close()


def test_every_book_reaches_the_client_whole(client):
    day = "20260929"
    read = {
        "EQ_INVESTOR_TYPES": client.get_eq_investor_types(section="TSEPrime"),
        "INDICES": client.get_idx_bars_daily(date_yyyymmdd=day),
        "MKT_SHORT_RATIO": client.get_mkt_short_ratio(date_yyyymmdd=day),
        "SHORT_SELLING_POSITIONS": client.get_mkt_short_sale_report(disclosed_date=day),
        "MKT_MARGIN_INTEREST": client.get_mkt_margin_interest(date_yyyymmdd=day),
        "DAILY_MARGIN_INTEREST": client.get_mkt_margin_alert(date_yyyymmdd=day),
        "MKT_BREAKDOWN": client.get_mkt_breakdown(date_yyyymmdd=day),
    }
    for name, frame in read.items():
        assert list(frame.columns) == list(getattr(constants, f"{name}_COLUMNS_V2")), name
        assert len(frame) > 0, name


def test_the_client_asks_by_sector_code_calculation_and_publication(client, turning):
    assert set(client.get_mkt_short_ratio(sector_33_code="3050")["S33"]) == {"3050"}
    assert set(client.get_idx_bars_daily(code="002A")["Code"]) == {"002A"}
    told = client.get_mkt_short_sale_report(calculated_date="20260925")
    assert len(told) > 0 and told["DiscDate"].nunique() == 1
    balances = client.get_mkt_margin_interest(published_date_yyyymmdd="20260929")
    assert {stamp.date() for stamp in balances["Date"]} == {date(2026, 9, 28)}
    assert balances["LongVal"].notna().all()
    old = client.get_mkt_margin_interest(date_yyyymmdd="20260904")
    assert old["LongVal"].isna().all() and len(old) > 20
