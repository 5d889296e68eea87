"""Futures and options as they are printed: keys, forms, hours, rolls, and prices that leave nothing on the table."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from jquantsapi import constants
from scipy.special import ndtr

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.simulator.books import futures, index_options, options
from gogoku_pipeline.simulator.books.derivatives_calendar import index_settlement, weekly_expiries
from gogoku_pipeline.simulator.books.derivatives_market import emergency_place
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market

BOOKS = {"futures": futures, "options": options, "index_options": index_options}
LONG_AFTER = datetime(2030, 1, 1, tzinfo=JST)
NUMBERS = ("Strike", "Theo", "IV", "UnderPx", "IR", "Settle", "OI", "Vo")


def rows(market, place, book=index_options):
    return book.day_rows(market, market.sessions[place], LONG_AFTER)


def chain(market, place, book=index_options):
    """Normal rows of a session as a frame with days to the settlement."""
    kept = [row for row in rows(market, place, book) if row["EmMrgnTrgDiv"] == "002"]
    picked = [{key: row[key] for key in (*NUMBERS, "CM", "PCDiv", "SQD", "Code")} for row in kept]
    frame = pl.DataFrame(picked, infer_schema_length=None)
    days = (pl.col("SQD").str.to_date() - pl.lit(market.sessions[place])).dt.total_days()
    return frame.with_columns(years=days / 365.0)


@pytest.fixture(scope="module")
def calm_places(market):
    """A spread of sessions without emergency margin."""
    return [place for place in range(20, len(market.sessions), 17) if place != emergency_place(market)]


@pytest.mark.parametrize("name", BOOKS)
def test_keys_are_the_publishers_in_their_order_and_no_key_comes_twice(market, name):
    official = {
        "futures": constants.DERIVATIVES_FUTURES_COLUMNS_V2,
        "options": constants.DERIVATIVES_OPTIONS_COLUMNS_V2,
        "index_options": [field.name for field in SOURCES["index_options"].fields],
    }[name]
    for place in (3, 60, emergency_place(market)):
        found = rows(market, place, BOOKS[name])
        assert found and all(list(row) == list(official) == list(BOOKS[name].KEYS) for row in found)
        keys = Counter((row["Date"], row["Code"], row["EmMrgnTrgDiv"]) for row in found)
        assert max(keys.values()) == 1
        assert all(len(row["Code"]) == 9 for row in found)
        assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("name", BOOKS)
def test_rows_come_out_at_three_the_next_night_and_on_sessions_only(market, name):
    day = market.sessions[40]
    out = datetime.combine(day + timedelta(days=1), time(3, 0), JST)
    book = BOOKS[name]
    assert not book.day_rows(market, day, out - timedelta(minutes=1))
    assert book.day_rows(market, day, out) == book.day_rows(market, day, LONG_AFTER)
    saturday = day + timedelta(days=5 - day.weekday())
    assert not book.day_rows(market, saturday, LONG_AFTER)


@pytest.mark.parametrize("name", BOOKS)
def test_a_contract_without_trades_prints_zeros_and_a_missing_session_an_empty_text(market, name):
    seen_idle, seen_new = 0, 0
    for place in range(5, 100, 4):
        for row in rows(market, place, BOOKS[name]):
            night = [row[f"E{key}"] for key in "OHLC"]
            whole = [row[key] for key in "OHLC"]
            if row["Vo"] == 0.0:
                seen_idle += 1
                assert whole == [0.0] * 4 and row["Va"] == 0.0
                assert night in ([0.0] * 4, [""] * 4)
            else:
                assert row["L"] <= min(row["O"], row["C"]) and row["H"] >= max(row["O"], row["C"])
                assert row["AL"] >= row["L"] and row["AH"] <= row["H"]
            if night == [""] * 4:
                seen_new += 1
                assert whole == [row[f"A{key}"] for key in "OHLC"]
            if "MO" in row:
                is_split = row["ProdCat"] in ("JGBLF", "JGBLFE")
                assert (row["MO"] == "") == (not is_split)
    assert seen_new > 0 and (seen_idle > 0 or name == "futures")


def test_puts_and_calls_keep_parity(market, calm_places):
    for place in calm_places:
        frame = chain(market, place)
        both = frame.filter(PCDiv="2").join(frame.filter(PCDiv="1"), on=["CM", "Strike"], suffix="_put")
        assert 2 * len(both) == len(frame)
        discount = (-both["IR"] / 100.0 * both["years"]).exp()
        gap = both["Theo"] - both["Theo_put"] - discount * (both["UnderPx"] - both["Strike"])
        assert gap.abs().max() < 3e-4


def test_no_spread_of_strikes_or_months_is_free(market, calm_places):
    """Along strikes prices are monotone and convex; along months undiscounted prices of a strike grow."""
    for place in calm_places:
        frame = chain(market, place).sort("Strike")
        for (_, kind), side in frame.group_by("CM", "PCDiv"):
            price, strike = side["Theo"].to_numpy(), side["Strike"].to_numpy()
            slope = np.diff(price) / np.diff(strike)
            assert (slope <= 1e-6).all() if kind == "2" else (slope >= -1e-6).all()
            assert (np.abs(slope) <= 1.0 + 1e-6).all()
            assert (np.diff(slope) >= -1e-5).all()
        calls = frame.filter(pl.col("PCDiv") == "2").sort("years")
        for _, months in calls.group_by("Strike", maintain_order=True):
            forward = months["Theo"] * (months["IR"] / 100.0 * months["years"]).exp()
            assert (np.diff(forward.to_numpy()) >= -1e-3).all()


def quarter_delta(side, under, rate, *, is_put):
    """Volatility where the absolute delta is 0.25, linear in delta."""
    vol, years = side["IV"].to_numpy() / 100.0, side["years"].to_numpy()
    spread = vol * np.sqrt(years)
    upper = np.log(under / side["Strike"].to_numpy()) / spread + 0.5 * spread
    delta = np.exp(-rate * years) * (ndtr(-upper) if is_put else ndtr(upper))
    order = np.argsort(delta)
    if not delta.min() < 0.25 < delta.max():
        return None
    return float(np.interp(0.25, delta[order], vol[order]))


def served_skew(market, place):
    """Put minus call volatility at 25 delta at 30 days, from printed rows; None where they do not reach."""
    frame = chain(market, place).filter(pl.col("years") >= 5 / 365)
    under, rate = float(frame["UnderPx"][0]), float(frame["IR"][0]) / 100.0
    points = []
    for (_, years), month in frame.group_by("CM", "years"):
        sides = [quarter_delta(month.filter(PCDiv=kind), under, rate, is_put=kind == "1") for kind in ("1", "2")]
        if None not in sides:
            points.append((years, *sides))
    points.sort()
    years = [point[0] for point in points]
    if not years or not years[0] <= 30 / 365 <= years[-1]:
        return None
    variances = [[point[side] ** 2 * point[0] for point in points] for side in (1, 2)]
    put, call = (np.sqrt(np.interp(30 / 365, years, line) * 365 / 30) for line in variances)
    return put - call


def test_the_planted_skew_and_level_are_visible_in_printed_volatilities():
    market = generate_market(MarketConfig.preset("small"))
    places = range(20, 480, 5)
    pairs = [(served_skew(market, place), market.volatility.skew[place]) for place in places]
    known = np.array([pair for pair in pairs if pair[0] is not None], dtype=float)
    assert len(known) > 0.75 * len(pairs)  # in settlement weeks no month lies between 5 and 30 days ahead
    assert np.corrcoef(known.T)[0, 1] > 0.98
    assert abs(np.median(known[:, 0] / known[:, 1]) - 1.0) < 0.05
    assert np.abs(known[:, 0] - known[:, 1]).max() < 0.01


def test_the_central_month_rolls_without_a_jump(market):
    """The contract held over night is still there the next day, and its settlement moves with the index."""
    move = np.diff(np.log(market.history.topix[:, 3]))
    found = []
    days = [
        {
            row["Code"]: row
            for row in rows(market, place, futures)
            if row["ProdCat"] == "TOPIXF" and row["EmMrgnTrgDiv"] == "002"
        }
        for place in range(len(market.sessions))
    ]
    for before, after in pairwise(days):
        central = [code for code, row in before.items() if row["CCMFlag"] == "1"]
        assert len(central) == 1 and central[0] in after
        found.append(np.log(after[central[0]]["Settle"] / before[central[0]]["Settle"]))
    assert np.abs(np.array(found) - move).max() < 0.003
    assert len({code for day in days for code, row in day.items() if row["CCMFlag"] == "1"}) >= 3
    total = np.array([sum(row["OI"] for row in day.values()) for day in days])
    assert np.abs(np.diff(np.log(total))).max() < 0.25


def test_open_interest_leaves_a_month_before_its_last_day(market):
    label = "2020-12"
    lines = [
        row["OI"]
        for place in range(100, len(market.sessions))
        for row in rows(market, place, futures)
        if row["ProdCat"] == "NK225F" and row["CM"] == label and row["EmMrgnTrgDiv"] == "002"
    ]
    assert lines[-1] < 0.1 * max(lines)


def test_index_contracts_settle_on_the_second_friday_and_trade_last_the_session_before(market):
    for place in (10, 70, 130):
        for row in rows(market, place, futures):
            if row["ProdCat"] in ("NK225F", "TOPIXF"):
                settled, last = date.fromisoformat(row["SQD"]), date.fromisoformat(row["LTD"])
                assert settled.weekday() == 4 and 8 <= settled.day <= 14
                assert last < settled and row["Date"] <= row["LTD"]
    assert index_settlement(2016, 1) == (date(2016, 1, 7), date(2016, 1, 8))
    assert index_settlement(2022, 2)[1] == date(2022, 2, 10)  # the second Friday is a holiday


def test_emergency_margin_gives_index_contracts_a_second_row_on_one_session(market):
    place = emergency_place(market)
    for book in (futures, index_options):
        twice = rows(market, place, book)
        first = {row["Code"]: row for row in twice if row["EmMrgnTrgDiv"] == "001"}
        normal = {row["Code"]: row for row in twice if row["EmMrgnTrgDiv"] == "002"}
        assert first and set(first) <= set(normal)
        assert any(first[code]["Settle"] != normal[code]["Settle"] for code in first)
        assert not any(row["EmMrgnTrgDiv"] == "001" for row in rows(market, place + 1, book))


def test_a_strike_once_listed_stays_until_the_end_under_one_code(market):
    lives = {}
    for place in range(30, 130):
        day = market.sessions[place]
        for row in rows(market, place):
            key = (row["CM"], row["Strike"], row["PCDiv"])
            code, seen, last = lives.setdefault(key, (row["Code"], [], row["LTD"]))
            assert code == row["Code"]
            if not seen or seen[-1] != day:
                seen.append(day)
    for _, seen, last in lives.values():
        end = min(date.fromisoformat(last), market.sessions[129])
        assert seen[-1] == end
        assert len(seen) == len([day for day in market.sessions if seen[0] <= day <= end])


def test_what_began_in_july_2016_is_empty_before():
    market = generate_market(MarketConfig(30, 150, date(2016, 1, 4)))
    later = ("VoOA", "LTD", "SQD", "Settle", "Theo", "BaseVol", "UnderPx", "IV", "IR", "CCMFlag")
    turn = market.sessions.index(date(2016, 7, 19))
    for book in BOOKS.values():
        for key in later:
            if key in book.KEYS:
                assert {row[key] for row in rows(market, turn - 1, book)} == {""}
                assert "" not in {
                    row[key] for row in rows(market, turn, book) if row.get("ProdCat") not in ("JGBLF", "JGBLFE")
                }
        assert all(row["OI"] != "" for row in rows(market, turn - 1, book))


def test_products_begin_when_they_were_introduced():
    market = generate_market(MarketConfig(30, 60, date(2023, 5, 1)))
    before, after = market.sessions.index(date(2023, 5, 26)), market.sessions.index(date(2023, 5, 29))
    assert "NK225MCF" not in {row["ProdCat"] for row in rows(market, before, futures)}
    assert "NK225MCF" in {row["ProdCat"] for row in rows(market, after, futures)}
    assert "NK225MWE" not in {row["ProdCat"] for row in rows(market, before, options)}
    mini = [row for row in rows(market, after, options) if row["ProdCat"] == "NK225MWE"]
    assert mini and {row["CM"] for row in mini} == {
        f"2023-{expiry.label[-2:]}" for expiry in weekly_expiries(date(2023, 5, 29))
    }
    assert all(date.fromisoformat(row["SQD"]).isocalendar()[1] == int(row["CM"][-2:]) for row in mini)
    assert not any(row["ProdCat"] == "USDJPYF" for row in rows(market, after, futures))


def test_monthly_options_are_the_same_in_both_endpoints_and_weeklies_only_in_the_wide_one(market):
    narrow = {row["Code"]: row for row in rows(market, 60)}
    wide = {row["Code"]: row for row in rows(market, 60, options) if row["ProdCat"] == "NK225E"}
    assert set(narrow) < set(wide)
    assert all(wide[code][key] == row[key] for code, row in narrow.items() for key in row)
    assert {row["CM"] for row in narrow.values()} < {row["CM"] for row in wide.values()}


def test_single_share_options_name_their_underlying(market):
    found = rows(market, 60, options)
    under = {row["UndSSO"] for row in found if row["ProdCat"] == "EQOP"}
    assert 1 <= len(under) <= 4 and under <= set(market.codes)
    assert {row["UndSSO"] for row in found if row["ProdCat"] != "EQOP"} == {"-"}
    code = under.pop()
    place = market.codes.index(code)
    close = market.history.close[:61, place]
    assert {row["UnderPx"] for row in found if row["UndSSO"] == code} == {close[close > 0][-1] / 10.0}


def test_a_small_market_has_a_small_chain():
    market = generate_market(MarketConfig.preset("small"))
    sizes = [len(rows(market, place)) for place in range(20, 480, 23)]
    assert min(sizes) >= 100 and 150 < np.mean(sizes) < 400


def test_the_desk_asks_for_a_date_and_filters_by_category_month_and_underlying(market, serve, ask, clock_at):
    server = serve(clock_at(market.sessions[-1]))
    path, day = "/derivatives/bars/daily", market.sessions[60].isoformat()
    for end in ("/futures", "/options", "/options/225"):
        assert ask(server, path + end).status == 400
    central = ask(server, path + "/futures", date=day, category="NK225F", contract_flag="1").rows
    assert [row["ProdCat"] for row in central] == ["NK225F"] and central[0]["CCMFlag"] == "1"
    share = next(row["UndSSO"] for row in rows(market, 60, options) if row["ProdCat"] == "EQOP")
    assert {row["UndSSO"] for row in ask(server, path + "/options", date=day, category="EQOP", code=share).rows} == {
        share
    }
    assert ask(server, path + "/options/225", date=day).rows == rows(market, 60)
