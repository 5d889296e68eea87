"""Every book is asked in the same manner: by day, by code, over a range, by filter; what differs is in its book."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest

from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.corrections import Correction, Corrections
from gogoku_pipeline.simulator.desk import ALL_BOOKS, Desk
from gogoku_pipeline.simulator.rules import LOWEST_PLAN, PLANS, Refusal
from gogoku_pipeline.simulator.server import ServerOptions
from gogoku_pipeline.simulator.shelf import Shelf

ALONE = {"/markets/calendar", "/equities/master", "/indices/bars/daily/topix", "/equities/investor-types"}
UNLIMITED = ServerOptions(is_rate_limited=False)
PATH = "/equities/valuation"
NOW_PATHS = ("/equities/bars/daily/am", "/equities/earnings-calendar")


@pytest.mark.parametrize("book", ALL_BOOKS, ids=lambda book: book.path)
def test_every_book_is_offered_from_the_plan_it_names(book):
    assert LOWEST_PLAN[book.path] == book.lowest_plan


def test_every_path_on_offer_is_answered(serve, ask, evening):
    server = serve(evening)
    day = "2020-09-09"
    for path in LOWEST_PLAN:
        if not path.startswith("/bulk"):
            reply = ask(server, path, date=day, disc_date=day)
            assert reply.status in (200, 210), (path, reply.body)


@pytest.mark.parametrize("path", [book.path for book in ALL_BOOKS if book.path not in ALONE])
def test_a_query_for_everything_is_refused_with_the_parameters_that_are_missing(serve, ask, evening, path):
    book = next(book for book in ALL_BOOKS if book.path == path)
    reply = ask(serve(evening), path)
    assert reply.status == 400
    is_quoted = path == "/markets/short-ratio"
    listed = "'date','s33'." if is_quoted else ", ".join(book.needs_one_of)
    assert reply.body["message"] == f"This API requires at least 1 parameter as follows; {listed}"


@pytest.mark.parametrize("path", [*[book.path for book in ALL_BOOKS], *NOW_PATHS])
def test_a_plan_below_is_told_so_with_403_and_not_with_400(serve, ask, evening, path):
    order = list(PLANS)
    lowest = LOWEST_PLAN[path]
    server = serve(evening)
    for plan in order:
        reply = ask(server, path, key=f"simulator-{plan}-key", date="2020-09-09", disc_date="2020-09-09")
        is_refused = reply.status == 403
        assert is_refused is (order.index(plan) < order.index(lowest)), (plan, reply.status)
        if is_refused:
            assert reply.body["message"].startswith("This API is not available on your subscription.")


@pytest.mark.parametrize("path", [book.path for book in ALL_BOOKS if book.day_parameter and book.path not in ALONE])
def test_a_day_outside_the_window_is_a_400_that_names_it(serve, ask, evening, path):
    book = next(book for book in ALL_BOOKS if book.path == path)
    reply = ask(serve(evening), path, **{book.day_parameter: "1999-12-30"})
    assert reply.status == 400
    assert reply.body["message"].startswith("Your subscription covers the following dates: 2001-01-22 ~ .")


def test_by_code_is_what_by_day_says_of_that_code(market, serve, ask, evening):
    server = serve(evening)
    for path in ("/markets/breakdown", "/equities/valuation", "/markets/margin-alert", "/markets/margin-interest"):
        code = next(
            row["Code"] for day in reversed(market.sessions) for row in ask(server, path, date=day.isoformat()).rows
        )
        by_day = [
            row
            for n in range(40)
            for row in ask(server, path, date=(market.sessions[-1] - timedelta(days=n)).isoformat()).rows
            if row["Code"] == code
        ]
        first = (market.sessions[-1] - timedelta(days=39)).isoformat()
        by_code = ask(server, path, code=code, from_=first, to=market.sessions[-1].isoformat()).rows
        assert by_code == by_day[::-1] != [], path


def test_a_sector_may_be_named_without_its_zeros(serve, ask, evening):
    server = serve(evening)
    short, long = (ask(server, "/markets/short-ratio", s33=name).rows for name in ("50", "0050"))
    assert short == long != [] and {row["S33"] for row in short} == {"0050"}


def test_index_codes_have_four_characters_and_are_taken_as_they_are(serve, ask, evening):
    rows = ask(serve(evening), "/indices/bars/daily", code="002a").rows
    assert {row["Code"] for row in rows} == {"002A"}


def test_investor_types_need_nothing_and_are_filtered_by_section_and_publication(market, serve, ask, evening):
    server = serve(evening)
    whole = ask(server, "/equities/investor-types").rows
    prime = ask(server, "/equities/investor-types", section="TSE1st").rows
    assert prime == [row for row in whole if row["Section"] == "TSE1st"] != []
    middle = whole[len(whole) // 2]["PubDate"]
    later = ask(server, "/equities/investor-types", from_=middle).rows
    assert later == [row for row in whole if row["PubDate"] >= middle] != whole


def test_short_positions_are_found_by_disclosure_by_calculation_and_over_a_range(market, serve, ask, evening):
    server, path = serve(evening), "/markets/short-sale-report"
    day = market.sessions[-10].isoformat()
    rows = ask(server, path, disc_date=day).rows
    assert {row["DiscDate"] for row in rows} == {day}
    calculated = rows[0]["CalcDate"]
    assert ask(server, path, calc_date=calculated).rows == [row for row in rows if row["CalcDate"] == calculated]
    code = rows[0]["Code"]
    ranged = ask(server, path, code=code, disc_date_from=day, disc_date_to=day).rows
    assert ranged == [row for row in rows if row["Code"] == code] != []
    assert ask(server, path, code=code, calc_date=calculated).rows == ranged
    both = ask(server, path, calc_date=calculated, disc_date=day)
    assert both.status == 400 and "cannot be used together" in both.body["message"]


def test_a_publication_date_excludes_the_application_date(serve, ask, evening):
    server, path = serve(evening), "/markets/margin-interest"
    for other in ("date", "from_", "to"):
        reply = ask(server, path, code="7203", published_date="2020-09-09", **{other: "2020-09-09"})
        assert (reply.status, "cannot be used together" in reply.body["message"]) == (400, True), other
    assert ask(server, path, published_date="2020-09-09").rows == []


def test_announced_dates_take_one_parameter_and_no_second(market, serve, ask, evening):
    server, path = serve(evening), "/fins/earnings-date"
    two = ask(server, path, code="7203", date="2020-09-09")
    assert two.status == 400 and two.body["message"].endswith("; code, date")
    days = [market.sessions[0] + timedelta(days=n) for n in range((market.sessions[-1] - market.sessions[0]).days)]
    log = [row for day in days for row in ask(server, path, date=day.isoformat()).rows]
    newest = {(row["Code"], row["FYE"], row["FQName"]): row["SchDate"] for row in log}
    moved = next(
        row
        for row in log
        if row["SchDate"] and newest[row["Code"], row["FYE"], row["FQName"]] not in ("", row["SchDate"])
    )
    asked = ask(server, path, scheduled_date=moved["SchDate"]).rows
    assert moved not in asked
    final = newest[moved["Code"], moved["FYE"], moved["FQName"]].replace("-", "")
    assert (moved["Code"], moved["FQName"]) in {
        (row["Code"], row["FQName"]) for row in ask(server, path, scheduled_date=final).rows
    }


def _busiest(market, ask, server):
    days = [market.sessions[0] + timedelta(days=n) for n in range((market.sessions[-1] - market.sessions[0]).days)]
    return max(days, key=lambda day: len(ask(server, "/fins/summary", date=day.isoformat()).rows))


def test_premium_follows_the_day_by_cursor_and_nobody_else_does(market, serve, ask, evening, clock_at):
    day = _busiest(market, ask, serve(evening, options=UNLIMITED))
    clock = clock_at(day, 9)
    server, path, asked = serve(clock), "/fins/summary", {"date": day.isoformat()}
    first = ask(server, path, **asked)
    seen, cursor = first.rows, first.body["cursor"]
    for hour in (12, 15, 16, 23):
        clock.advance_to(clock_at(day, hour).now())
        step = ask(server, path, cursor=cursor, **asked)
        assert not {row["DiscNo"] for row in step.rows} & {row["DiscNo"] for row in seen}
        seen, cursor = seen + step.rows, step.body["cursor"]
    whole = ask(server, path, **asked)
    assert sorted(row["DiscNo"] for row in seen) == [row["DiscNo"] for row in whole.rows] != []
    standard = ask(server, path, key="simulator-standard-key", **asked)
    assert "cursor" not in standard.body
    assert ask(server, path, key="simulator-standard-key", cursor=cursor, **asked).status == 403
    assert ask(server, path, cursor="nonsense", **asked).body == {"message": "The cursor is invalid."}


def test_the_cursor_is_on_the_last_page_and_excludes_a_pagination_key(market, serve, ask, evening):
    day = _busiest(market, ask, serve(evening, options=UNLIMITED)).isoformat()
    server = serve(evening, page_bytes=3_000)
    first = ask(server, "/fins/summary", date=day)
    assert "cursor" not in first.body
    last = first
    while "pagination_key" in last.body:
        last = ask(server, "/fins/summary", date=day, pagination_key=last.body["pagination_key"])
    cursor = last.body["cursor"]
    both = ask(server, "/fins/summary", date=day, cursor=cursor, pagination_key=first.body["pagination_key"])
    assert both.status == 400


def test_the_morning_has_no_answer_outside_its_hours_and_for_unknown_codes(market, serve, ask, clock_at):
    day, path = market.sessions[100], "/equities/bars/daily/am"
    for hour, expected in ((6, 210), (11, 210), (12, 200), (23, 200)):
        assert ask(serve(clock_at(day, hour)), path).status == expected, hour
    early = ask(serve(clock_at(day, 11)), path)
    assert (early.status, early.raw) == (210, b"")
    server = serve(clock_at(day, 13))
    code = ask(server, path).rows[0]["Code"]
    assert [row["Code"] for row in ask(server, path, code=code[:4]).rows] == [code]
    assert ask(server, path, code="9999").status == 210


class Story:
    """A book of two codes a day that counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def day(self, market, day: date, now: datetime) -> list[Mapping[str, object]]:
        self.asked.append(day)
        return [{"Date": day.isoformat(), "Code": code, "Told": now.strftime("%H")} for code in ("10010", "20020")]


@pytest.fixture
def tell(market, clock_at):
    """Ask a desk with one hand-made book at an hour: tell(story, hour, params, plan)."""
    shelves = {}

    def answer(story, hour, params, *, plan="premium", day=None, corrections=None, **changes):
        book = Book(PATH, "free", date(2008, 5, 7), story.day, **changes)
        made = corrections or Corrections()
        shelf = shelves.setdefault(id(story), Shelf(market, made))
        clock = clock_at(day or market.sessions[-1], hour)
        desk = Desk(market, clock, shelf, made, books=(book,))
        return desk.answer(book.path, params, PLANS[plan]).rows.decoded()

    return answer


def test_a_day_is_told_once_until_its_version_changes(market, tell):
    day = market.sessions[-1]
    story = Story()
    told = [
        tell(story, hour, {"date": day.isoformat()}, version=lambda market, day, now: now.hour >= 18)
        for hour in (16, 17, 18, 19)
    ]
    assert [rows[0]["Told"] for rows in told] == ["16", "16", "18", "18"]
    assert len(story.asked) == 2


def test_a_book_that_says_nothing_of_its_hours_is_told_anew_every_minute_until_the_day_is_past(market, tell):
    recent, past = market.sessions[-1], market.sessions[-40]
    for day, expected in ((recent, ["16", "17"]), (past, ["16", "16"])):
        story = Story()
        told = [tell(story, hour, {"date": day.isoformat()})[0]["Told"] for hour in (16, 17)]
        assert told == expected, day


def test_keys_of_premium_are_absent_below(market, tell):
    asked, story = {"date": market.sessions[-1].isoformat()}, Story()
    rows = {plan: tell(story, 19, asked, plan=plan, premium_keys=frozenset({"Told"})) for plan in ("light", "premium")}
    assert list(rows["light"][0]) == ["Date", "Code"]
    assert list(rows["premium"][0]) == ["Date", "Code", "Told"]


def test_a_correction_is_served_from_its_instant_on_and_only_in_the_rows_it_names(market, tell, clock_at):
    day = market.sessions[-1]
    at = clock_at(day, 18).now()
    made = [
        Correction(PATH, day, {"Code": "10010"}, "Told", "corrected", at),
        Correction(PATH, day, {"Code": "20020"}, "", None, at, change="removed"),
        Correction(PATH, day, {}, "", None, at, change="added", row={"Code": "30030"}),
        Correction("/markets/other", day, {}, "Told", "not here", at),
    ]
    story = Story()
    before, after = (
        tell(story, hour, {"date": day.isoformat()}, corrections=Corrections(made), version=lambda *asked: "one")
        for hour in (17, 18)
    )
    assert [row["Code"] for row in before] == ["10010", "20020"] and before[0]["Told"] == "17"
    assert [(row["Code"], row.get("Told")) for row in after] == [("10010", "corrected"), ("30030", None)]


def test_an_option_is_asked_by_its_underlying_only_in_the_category_that_has_one(market, clock_at):
    def options(market, day, now):
        return [
            {"Date": day.isoformat(), "Code": "1", "ProdCat": "EQOP", "UndSSO": "72030"},
            {"Date": day.isoformat(), "Code": "2", "ProdCat": "TOPIXE", "UndSSO": "-"},
        ]

    path = "/derivatives/bars/daily/options"
    filters = {"category": "ProdCat", "contract_flag": "CCMFlag"}
    book = Book(path, "premium", date(2008, 5, 7), options, filters=filters, needs_one_of=("date",), has_range=False)
    made = Corrections()
    day = market.sessions[-1].isoformat()
    desk = Desk(market, clock_at(market.sessions[-1]), Shelf(market, made), made, books=(book,))

    def codes(**params):
        return [row["Code"] for row in desk.answer(path, {"date": day, **params}, PLANS["premium"]).rows.decoded()]

    assert codes() == ["1", "2"] and codes(category="TOPIXE") == ["2"]
    assert codes(category="EQOP", code="7203") == ["1"] and codes(category="EQOP", code="9999") == []
    with pytest.raises(Refusal, match="only with 'category' EQOP"):
        codes(code="7203")
    with pytest.raises(Refusal, match="at least 1 parameter as follows; date"):
        desk.answer(path, {"category": "EQOP"}, PLANS["premium"])
