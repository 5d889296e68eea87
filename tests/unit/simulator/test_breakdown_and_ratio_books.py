"""Orders by kind: both sides agree to the yen, follow the margin balances, and make up the sectors' short selling."""

from __future__ import annotations

from datetime import date, datetime, time

import numpy as np
import polars as pl
import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.simulator.books import breakdown, margin_interest, short_ratio
from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.ledgers_orders import AUCTION_SHARE, BUYS, SELLS, turnover

EVER = datetime(2026, 11, 1, tzinfo=JST)


def _instant(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), JST)


@pytest.fixture(scope="module")
def printed(market):
    """All rows of the market's life, with the places of session and issue."""
    frames = [breakdown.BOOK.day(market, day, EVER) for day in market.sessions]
    return pl.concat([frame for frame in frames if len(frame)])


def test_breakdown_has_the_publishers_columns_in_order(printed):
    assert printed.columns == list(constants.MKT_BREAKDOWN_COLUMNS_V2) == list(breakdown.BOOK.keys)
    assert set(printed.dtypes[2:]) == {pl.Float64}


@pytest.mark.parametrize("unit", ["Va", "Vo"])
def test_sells_and_buys_of_every_row_are_the_same_amount(printed, unit):
    sells = printed.select(pl.sum_horizontal(kind + unit for kind in SELLS)).to_series()
    buys = printed.select(pl.sum_horizontal(kind + unit for kind in BUYS)).to_series()
    assert (sells == buys).all() and (sells > 0).all()
    values = printed.select(pl.col("^.*" + unit + "$")).to_numpy()
    assert (values >= 0).all() and (values == np.rint(values)).all()


def test_the_amount_is_the_documented_share_of_the_volume(market, printed):
    for place in (3, 40, 120):
        day = printed.filter(pl.col("Date") == market.sessions[place].isoformat())
        lots = market.history.lots[place][[market.codes.index(code) for code in day["Code"]]]
        sold = day.select(pl.sum_horizontal(kind + "Vo" for kind in SELLS)).to_series().to_numpy() / 100.0
        assert (sold == np.maximum(np.floor(lots * AUCTION_SHARE + 1e-9), 1.0)).mean() > 0.99
        assert (sold <= lots).all()


def test_only_issues_that_traded_have_rows(market, printed):
    traded = {(market.sessions[t].isoformat(), market.codes[i]) for t, i in np.argwhere(market.traded())}
    assert set(printed.select("Date", "Code").iter_rows()) == traded
    assert OUTAGE.isoformat() not in set(printed["Date"])


def test_class_3_issues_are_not_traded_on_margin(market, printed):
    other = [code for code, margin in zip(market.codes, market.listings.margin, strict=True) if margin == "3"]
    rows = printed.filter(pl.col("Code").is_in(other))
    assert len(rows) > 0
    assert rows.select(pl.sum_horizontal(pl.col("^Mrgn.*$"))).to_series().sum() == 0


@pytest.mark.parametrize(
    ("new", "close", "balance"),
    [("MrgnBuyNewVo", "MrgnSellCloseVo", "LongVol"), ("MrgnSellNewVo", "MrgnBuyCloseVo", "ShrtVol")],
)
def test_margin_orders_of_a_week_go_the_way_the_balance_goes(market, printed, new, close, balance):
    weekly = [margin_interest.BOOK.day(market, day, EVER) for day in market.sessions]
    dates = [frame["Date"][0] for frame in weekly if len(frame)]
    levels = pl.concat([frame.select("Date", "Code", balance) for frame in weekly if len(frame)])
    agree, total = 0, 0
    splits = {market.codes[event.issue] for event in market.splits}
    for before, after in zip(dates, dates[1:], strict=False):
        flow = (
            printed.filter((pl.col("Date") > before) & (pl.col("Date") <= after) & ~pl.col("Code").is_in(list(splits)))
            .group_by("Code")
            .agg((pl.col(new) - pl.col(close)).sum().alias("flow"))
        )
        change = levels.filter(pl.col("Date") == after).join(
            levels.filter(pl.col("Date") == before), on="Code", suffix="_before"
        )
        both = flow.join(change, on="Code").with_columns(step=pl.col(balance) - pl.col(balance + "_before"))
        both = both.filter(pl.col("step").abs() > 0.05 * pl.col(balance))
        agree += int((both["flow"].sign() == both["step"].sign()).sum())
        total += len(both)
    assert total > 200 and agree / total > 0.85


def test_breakdown_comes_out_at_18(market):
    day = market.sessions[10]
    assert len(breakdown.BOOK.day(market, day, _instant(day, 17, 59))) == 0
    assert len(breakdown.BOOK.day(market, day, _instant(day, 18))) > 0


def test_short_ratio_has_one_row_per_sector_and_adds_up_to_the_breakdown(market, printed):
    sector_of = dict(zip(market.codes, (SECTOR33[place][0] for place in market.listings.sector), strict=True))
    for place in (0, 77, 159):
        day = market.sessions[place]
        rows = short_ratio.BOOK.day(market, day, EVER)
        assert rows.columns == list(constants.MKT_SHORT_RATIO_COLUMNS_V2) == list(short_ratio.BOOK.keys)
        listed = market.listings.listed(place)
        assert rows["S33"].to_list() == sorted({sector_of[market.codes[i]] for i in np.flatnonzero(listed)})
        orders = printed.filter(pl.col("Date") == day.isoformat()).with_columns(
            S33=pl.col("Code").replace_strict(sector_of)
        )
        owned = orders.group_by("S33").agg((pl.col("LongSellVa") + pl.col("MrgnSellCloseVa")).sum().alias("owned"))
        short = orders.group_by("S33").agg((pl.col("ShrtNoMrgnVa") + pl.col("MrgnSellNewVa")).sum().alias("short"))
        both = rows.join(owned, on="S33").join(short, on="S33")
        assert (both["SellExShortVa"] == both["owned"]).all()
        assert (both["ShrtWithResVa"] + both["ShrtNoResVa"] == both["short"]).all()


def test_a_sectors_sells_stay_below_its_turnover(market):
    for place in range(0, len(market.sessions), 7):
        rows = short_ratio.BOOK.day(market, market.sessions[place], EVER)
        if len(rows) == 0:
            continue
        yen = np.bincount(market.listings.sector, weights=turnover(market, place), minlength=len(SECTOR33))
        limit = dict(zip((sector for sector, _, _ in SECTOR33), yen, strict=True))
        for row in rows.iter_rows(named=True):
            assert row["SellExShortVa"] + row["ShrtWithResVa"] + row["ShrtNoResVa"] <= limit[row["S33"]]


def test_no_short_ratio_on_the_outage_and_none_before_1630(market):
    assert len(short_ratio.BOOK.day(market, OUTAGE, EVER)) == 0
    day = market.sessions[5]
    assert len(short_ratio.BOOK.day(market, day, _instant(day, 16, 29))) == 0
    assert len(short_ratio.BOOK.day(market, day, _instant(day, 16, 30))) > 10
