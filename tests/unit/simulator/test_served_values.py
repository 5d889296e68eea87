"""What the service prints: adjusted values as of the day of asking, nulls, sections, snapshots, session columns."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np

from gogoku_pipeline.schema import calendar as calendar_schema
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market

BARS, MASTER, TOPIX, CALENDAR = (source.SOURCE.path for source in (daily_bars, listed_issues, topix, calendar_schema))


def _half_up(value):
    return math.floor(value * 10 + 0.5 + 1e-7) / 10


def _split(market):
    """A forward split of an issue that traded just before it."""
    return next(
        event
        for event in market.splits
        if event.factor < 1 and event.session > 1 and market.traded()[event.session - 1, event.issue]
    )


def test_adjusted_prices_change_on_the_evening_of_the_split_and_not_before(market, serve, ask, clock_at):
    event = _split(market)
    day, code = market.sessions[event.session - 1].isoformat(), market.codes[event.issue]
    before = ask(serve(clock_at(market.sessions[event.session], 16, 0)), BARS, code=code, date=day).rows[0]
    after = ask(serve(clock_at(market.sessions[event.session], 16, 30)), BARS, code=code, date=day).rows[0]
    earlier = 1.0
    assert before["AdjC"] == _half_up(before["C"] * earlier)
    assert after["C"] == before["C"] and after["Vo"] == before["Vo"]
    assert after["AdjC"] == _half_up(after["C"] * event.factor)
    assert after["AdjVo"] == _half_up(after["Vo"] / event.factor)


def test_served_adjusted_values_follow_from_raw_values_and_served_factors(market, serve, ask, evening):
    server = serve(evening)
    for event in market.splits[:4]:
        rows = ask(server, BARS, code=market.codes[event.issue]).rows
        cumulative = 1.0
        for row in reversed(rows):
            for key in "OHLC":
                expected = None if row[key] is None else _half_up(row[key] * cumulative)
                assert row["Adj" + key] == expected
            cumulative *= row["AdjFactor"]
        assert cumulative != 1.0 or len([e for e in market.splits if e.issue == event.issue]) > 1


def test_an_ex_date_without_trade_still_carries_its_factor(market, serve, ask, evening):
    event = next(e for e in market.splits if not market.traded()[e.session, e.issue])
    day = market.sessions[event.session].isoformat()
    row = ask(serve(evening), BARS, code=market.codes[event.issue], date=day).rows[0]
    assert row["AdjFactor"] == event.factor and row["ExRT"] == ("1" if event.factor < 1 else "2")
    assert row["O"] is None and row["Vo"] is None and row["AdjC"] is None and row["MktCap"] is None


def test_by_code_and_by_date_tell_the_same_rows(market, serve, ask, evening):
    server = serve(evening)
    day = market.sessions[50].isoformat()
    for code in (market.codes[0], market.codes[20], market.codes[-1]):
        by_date = [row for row in ask(server, BARS, date=day).rows if row["Code"] == code]
        assert ask(server, BARS, code=code, date=day).rows == by_date
        by_range = ask(server, BARS, code=code, from_=day, to=day).rows
        assert by_range == by_date


def test_numbers_are_written_with_a_fraction_and_keys_are_the_contracts(market, serve, ask, evening):
    server = serve(evening)
    day = market.sessions[-1].isoformat()
    raw = ask(server, BARS, key="simulator-light-key", date=day).raw.decode()
    assert '"Vo":' in raw and ".0," in raw
    light = ask(server, BARS, key="simulator-light-key", date=day).rows
    premium = ask(server, BARS, date=day).rows
    assert list(light[0]) == [field.name for field in daily_bars.SOURCE.fields_for("light")] and len(light[0]) == 18
    assert len(premium[0]) == 44 and set(light[0]) < set(premium[0])
    for source in (listed_issues, topix, calendar_schema):
        row = ask(server, source.SOURCE.path).rows[0]
        assert list(row) == [field.name for field in source.SOURCE.fields]
    for row in light:
        for field in daily_bars.SOURCE.fields_for("light"):
            value = row[field.name]
            assert (value is None and field.nullable) or isinstance(
                value, float if field.kind in ("number", "factor") else str
            ), (field.name, value)


def test_morning_and_afternoon_join_up_with_the_day(market, serve, ask, evening):
    rows = ask(serve(evening), BARS, date=market.sessions[-1].isoformat()).rows
    traded = [row for row in rows if row["C"] is not None and row["MC"] is not None and row["AC"] is not None]
    assert len(traded) > 30
    for row in traded:
        assert row["MO"] == row["O"] and row["AC"] == row["C"] and row["AL"] <= row["AO"] <= row["AH"]
        assert max(row["MH"], row["AH"]) == row["H"] and min(row["ML"], row["AL"]) == row["L"]
        assert row["MVo"] + row["AVo"] == row["Vo"] and row["MVa"] + row["AVa"] == row["Va"]
        assert row["ML"] <= min(row["MO"], row["MC"]) and row["MH"] >= max(row["MO"], row["MC"])


def test_the_lunch_break_moves_prices_a_little_and_mornings_differ_in_their_share_of_trading(
    market, serve, ask, evening
):
    server = serve(evening)
    rows = [row for day in market.sessions[-8:] for row in ask(server, BARS, date=day.isoformat()).rows]
    traded = [row for row in rows if row["MC"] is not None and row["AO"] is not None and row["Vo"] >= 5_000]
    gaps = np.array([row["AO"] / row["MC"] - 1 for row in traded])
    shares = np.array([row["MVa"] / row["Va"] for row in traded])
    assert 0.0015 < gaps.std() < 0.004 and abs(gaps.mean()) < 4 * gaps.std() / np.sqrt(len(gaps))
    assert 0.08 < shares.std() < 0.14 and 0.44 < shares.mean() < 0.50


def test_on_the_day_of_the_outage_every_row_is_there_and_empty(market, serve, ask, evening):
    server = serve(evening)
    rows = ask(server, BARS, date="2020-10-01").rows
    assert len(rows) == int(market.listings.listed(market.outage).sum())
    assert all(row[key] is None for row in rows for key in ("O", "H", "L", "C", "Vo", "Va", "AdjC", "AdjVo", "MktCap"))
    before, during = ask(server, TOPIX, from_="2020-09-30", to="2020-10-01").rows
    assert [during[key] for key in "OHLC"] == [before["C"]] * 4
    assert ask(server, CALENDAR, from_="2020-10-01", to="2020-10-01").rows == [{"Date": "2020-10-01", "HolDiv": "1"}]


def test_a_delisted_issue_leaves_the_master_and_keeps_its_history(market, serve, ask, evening):
    last = int(np.flatnonzero(market.listings.last < len(market.sessions) - 1)[0])
    code, gone = market.codes[last], int(market.listings.last[last])
    server = serve(evening)
    assert code in {row["Code"] for row in ask(server, MASTER, date=market.sessions[gone].isoformat()).rows}
    assert code not in {row["Code"] for row in ask(server, MASTER, date=market.sessions[gone + 1].isoformat()).rows}
    assert code not in {row["Code"] for row in ask(server, MASTER).rows}
    history = ask(server, BARS, code=code).rows
    assert len(history) == gone + 1 and history[-1]["Date"] == market.sessions[gone].isoformat()


def test_a_new_issue_begins_on_its_listing_day(market, serve, ask, evening):
    place = market.codes.index("130A0")
    begins = int(market.listings.first[place])
    rows = ask(serve(evening), BARS, code="130A").rows
    assert rows[0]["Date"] == market.sessions[begins].isoformat() and begins > 0


def test_four_characters_mean_the_ordinary_share(market, serve, ask, evening):
    preferred = next(code for code in market.codes if code.endswith("5"))
    server = serve(evening)
    day = market.sessions[-1].isoformat()
    assert [row["Code"] for row in ask(server, BARS, code=preferred[:4], date=day).rows] == [preferred[:4] + "0"]
    assert [row["Code"] for row in ask(server, BARS, code=preferred, date=day).rows] == [preferred]
    assert ask(server, MASTER, code="9999").rows == []


def test_sections_change_on_the_day_of_the_reorganisation(serve, ask, clock_at):
    market = generate_market(MarketConfig(30, 40, date(2022, 3, 15)))
    server = serve(clock_at(market.sessions[-1]), of=market)
    before = {row["Code"]: row for row in ask(server, MASTER, date="2022-04-01").rows}
    after = {row["Code"]: row for row in ask(server, MASTER, date="2022-04-04").rows}
    assert {row["Mkt"] for row in before.values()} <= {"0101", "0102", "0104", "0106", "0107", "0109"}
    assert {row["Mkt"] for row in after.values()} <= {"0109", "0111", "0112", "0113"}
    allowed = {"0101": {"0111", "0112"}, "0102": {"0112"}, "0106": {"0112"}, "0104": {"0113"}, "0107": {"0113"}}
    for code in before.keys() & after.keys():
        section = before[code]["Mkt"]
        assert after[code]["Mkt"] in allowed.get(section, {section})
        assert before[code]["S33"] == after[code]["S33"]


def test_the_later_close_gives_the_afternoon_more_of_the_day(serve, ask, clock_at):
    market = generate_market(MarketConfig(30, 40, date(2024, 10, 15)))
    server = serve(clock_at(market.sessions[-1]), of=market)

    def share(day):
        rows = [row for row in ask(server, BARS, date=day).rows if row["MVo"] is not None]
        return sum(row["MVo"] for row in rows) / sum(row["Vo"] for row in rows)

    assert share("2024-11-05") < share("2024-11-01") - 0.02


def test_the_calendar_names_every_day_and_filters_by_division(market, serve, ask, clock_at):
    server = serve(clock_at(date(2023, 6, 1)))
    rows = ask(server, CALENDAR, from_="2023-01-01", to="2023-12-31").rows
    assert len(rows) == 365
    kinds = {row["Date"]: row["HolDiv"] for row in rows}
    assert kinds["2023-01-04"] == "1" and kinds["2023-01-02"] == "0" and kinds["2023-02-23"] == "3"
    open_days = ask(server, CALENDAR, from_="2023-01-01", to="2023-12-31", hol_div="1").rows
    assert [row["Date"] for row in open_days] == [day for day, kind in kinds.items() if kind == "1"]
    whole = ask(server, CALENDAR).rows
    assert whole[0]["Date"] == "2008-01-01" and whole[-1]["Date"] == "2024-12-31"
    assert len(whole) == (date(2024, 12, 31) - date(2008, 1, 1)) // timedelta(days=1) + 1
    early = serve(clock_at(date(2023, 3, 1)))
    assert ask(early, CALENDAR).rows[-1]["Date"] == "2023-12-31"
