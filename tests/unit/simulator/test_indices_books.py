"""Indices: built from their constituents, alive when they were, closed-only when they were, frozen on the outage."""

from __future__ import annotations

from datetime import date, datetime, time

import numpy as np
import polars as pl
import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.simulator.books.indices import BOOK
from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.ledgers_indices import CODES, SECTOR17_CODES, SECTOR33_CODES, members_of
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.tide import index_weights

EVER = datetime(2026, 11, 1, tzinfo=JST)


def _all(market):
    return pl.concat([BOOK.day(market, day, EVER) for day in market.sessions])


def _by_code(frame, code):
    return frame.filter(pl.col("Code") == code)


def test_there_are_the_76_codes_of_the_publisher(market):
    assert len(CODES) == len(set(CODES)) == 76
    assert len(SECTOR33_CODES) == 33 and (SECTOR33_CODES[0], SECTOR33_CODES[-1]) == ("0040", "0060")
    assert len(SECTOR17_CODES) == 17 and (SECTOR17_CODES[0], SECTOR17_CODES[-1]) == ("0080", "0090")
    rows = BOOK.day(market, market.sessions[0], EVER)
    assert rows.columns == list(constants.INDICES_COLUMNS_V2) == list(BOOK.keys)
    assert rows["Code"].to_list() == sorted(set(CODES) - {"0500", "0501", "0502", "0503"})


def test_index_0050_is_transport_equipment_and_not_the_fishery_of_sector_0050(market):
    members = members_of(market, "0050", later=False)
    assert {SECTOR33[place][0] for place in market.listings.sector[members]} <= {"3700"}


def test_code_0000_is_topix(market):
    rows = _by_code(_all(market), "0000")
    assert (rows.select("O", "H", "L", "C").to_numpy() == market.history.topix).all()


def test_an_index_moves_by_the_returns_of_its_members_weighted_like_topix(market):
    frame = _all(market)
    basis = np.array([market.split_table.on_day(-1, place) for place in range(len(market.sessions))])
    close = np.where(market.history.close > 0, market.history.close / 10.0 / basis, np.nan)
    last = pl.DataFrame(close).with_columns(pl.all().fill_nan(None).forward_fill()).to_numpy()
    for code in ("002C", "0060", "0084", "8100", "0070"):
        members = members_of(market, code, later=False)
        level = _by_code(frame, code)["C"].to_numpy()
        for place in (20, 60, 110):
            traded = market.listings.is_stock & ~np.isnan(close[place])
            if not (members & traded).any() or np.isnan(last[place - 1][traded]).any():
                continue
            value = np.where(traded, market.listings.shares * last[place - 1], 0.0)
            weight = (index_weights(value) * members)[traded]
            move = weight @ (close[place] / last[place - 1] - 1.0)[traded] / weight.sum()
            assert level[place] / level[place - 1] - 1.0 == pytest.approx(move, abs=3e-5)


def test_all_stocks_together_move_like_topix(market):
    frame = _all(market)
    value, growth = (members_of(market, code, later=False) for code in ("8100", "8200"))
    assert (value ^ growth)[market.listings.is_stock].all()
    moves = {code: np.diff(np.log(_by_code(frame, code)["C"].to_numpy())) for code in ("0000", "8100", "8200")}
    low, high = np.minimum(moves["8100"], moves["8200"]), np.maximum(moves["8100"], moves["8200"])
    assert ((moves["0000"] >= low - 1e-4) & (moves["0000"] <= high + 1e-4)).all()


def test_bars_enclose_open_and_close(market):
    frame = _all(market)
    assert ((frame["H"] >= frame["O"]) & (frame["H"] >= frame["C"])).all()
    assert ((frame["L"] <= frame["O"]) & (frame["L"] <= frame["C"])).all()


def test_the_outage_repeats_the_previous_close_in_all_four(market):
    place = market.sessions.index(OUTAGE)
    before = BOOK.day(market, market.sessions[place - 1], EVER)
    rows = BOOK.day(market, OUTAGE, EVER)
    for key in "OHLC":
        assert (rows[key] == before["C"]).all()


@pytest.fixture(scope="module")
def changing():
    return generate_market(MarketConfig(n_issues=60, n_sessions=345, start=date(2022, 3, 1), seed=3))


def test_old_sections_end_and_new_ones_begin_on_their_days(changing):
    frame = _all(changing)
    spans = {
        code: (rows["Date"].min(), rows["Date"].max())
        for code in ("0001", "0091", "0500", "0501", "0502")
        for rows in [_by_code(frame, code)]
    }
    assert spans["0001"][1] == spans["0091"][1] == "2022-04-01"
    assert spans["0500"][0] == spans["0501"][0] == spans["0502"][0] == "2022-06-27"
    assert _by_code(frame, "0070").height == len(changing.sessions)


def test_prime_150_begins_with_closes_only(changing):
    rows = _by_code(_all(changing), "0503")
    assert rows["Date"].min() == "2023-05-29"
    early, late = rows.filter(pl.col("Date") < "2023-07-03"), rows.filter(pl.col("Date") >= "2023-07-03")
    assert early.select("O", "H", "L").null_count().sum_horizontal()[0] == 3 * early.height > 0
    assert early["C"].null_count() == 0
    assert late.height > 5 and late.select("O", "H", "L").null_count().sum_horizontal()[0] == 0


def test_indices_come_out_at_1630(market):
    day = market.sessions[9]
    assert len(BOOK.day(market, day, datetime.combine(day, time(16, 29), JST))) == 0
    assert len(BOOK.day(market, day, datetime.combine(day, time(16, 30), JST))) == 72
