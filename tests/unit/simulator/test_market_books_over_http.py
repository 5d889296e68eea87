"""The market's books as a client asks for them: parameters, plans, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from gogoku_pipeline.simulator.books import (
    breakdown,
    indices,
    investor_types,
    margin_alerts,
    margin_interest,
    short_positions,
    short_ratio,
)
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market

STANDARD_KEY = "simulator-standard-key"


def _day(market, place):
    return market.sessions[place].isoformat()


def test_investor_types_are_asked_by_section_and_publication_range(market, serve, ask, evening):
    server, path = serve(evening), investor_types.BOOK.path
    everything = ask(server, path).rows
    assert len(everything) > 100 and [row["PubDate"] for row in everything] == sorted(
        row["PubDate"] for row in everything
    )
    start, end = _day(market, 40), _day(market, 60)
    part = ask(server, path, section="TokyoNagoya", from_=start, to=end).rows
    assert part == [r for r in everything if r["Section"] == "TokyoNagoya" and start <= r["PubDate"] <= end]
    assert len(part) in (4, 5)


def test_indices_are_asked_by_their_own_four_character_codes(market, serve, ask, evening):
    server, path = serve(evening), indices.BOOK.path
    rows = ask(server, path, code="0028", from_=_day(market, 10), to=_day(market, 19)).rows
    assert [row["Date"] for row in rows] == [day.isoformat() for day in market.sessions[10:20]]
    assert {row["Code"] for row in rows} == {"0028"}
    assert {row["Code"] for row in ask(server, path, code="002a", date=_day(market, 10)).rows} == {"002A"}
    assert ask(server, path).status == 400


def test_short_ratio_takes_sector_50_for_0050(market, serve, ask, evening):
    server, path = serve(evening), short_ratio.BOOK.path
    short, full = ask(server, path, s33="50").rows, ask(server, path, s33="0050").rows
    assert short == full and {row["S33"] for row in full} == {"0050"}
    assert ask(server, path, date="2020-10-01").rows == []
    assert ask(server, path).status == 400


def test_short_positions_are_asked_by_disclosure_by_calculation_and_by_issue(market, serve, ask, evening):
    server, path = serve(evening), short_positions.BOOK.path
    day = _day(market, 12)
    by_calculation = ask(server, path, calc_date=day).rows
    assert by_calculation == ask(server, path, disc_date=_day(market, 14)).rows
    code = by_calculation[0]["Code"]
    span = ask(server, path, code=code, disc_date_from=_day(market, 0), disc_date_to=_day(market, 14)).rows
    assert by_calculation[0] in span and {row["Code"] for row in span} == {code}
    assert ask(server, path, disc_date=day, calc_date=day).status == 400
    assert ask(server, path).status == 400


@pytest.fixture(scope="module")
def turning():
    return generate_market(MarketConfig(n_issues=60, n_sessions=60, start=date(2026, 8, 3), seed=5))


def test_margin_interest_by_publication_date_excludes_date_and_range(turning, serve, ask, clock_at):
    server = serve(clock_at(date(2026, 10, 6)), of=turning)
    path = margin_interest.BOOK.path
    rows = ask(server, path, published_date="2026-09-28").rows
    assert rows and {(row["PubDate"], row["Date"]) for row in rows} == {("2026-09-28", "2026-09-25")}
    code = rows[0]["Code"]
    assert ask(server, path, published_date="2026-09-28", code=code).rows == rows[:1]
    assert ask(server, path, published_date="2026-09-25").rows == []
    for other in ("date", "from_", "to"):
        assert ask(server, path, published_date="2026-09-28", code=code, **{other: "2026-09-28"}).status == 400


def test_the_same_day_has_nine_keys_before_the_change_and_sixteen_after_it(turning, serve, ask, clock_at):
    for hour_of, width in ((date(2026, 9, 25), 9), (date(2026, 9, 28), 16)):
        rows = ask(serve(clock_at(hour_of), of=turning), margin_interest.BOOK.path, date="2026-09-04").rows
        assert {len(row) for row in rows} == {width}


def test_margin_alerts_are_asked_by_publication_date(market, serve, ask, evening):
    server, path = serve(evening), margin_alerts.BOOK.path
    day = next(day.isoformat() for day in market.sessions[30:] if ask(server, path, date=day.isoformat()).rows)
    rows = ask(server, path, date=day).rows
    assert {row["PubDate"] for row in rows} == {day}
    issue = ask(server, path, code=rows[0]["Code"], from_=day, to=day).rows
    assert issue == [row for row in rows if row["Code"] == rows[0]["Code"]]


def test_breakdown_is_for_premium_and_the_other_books_for_standard(market, serve, ask, evening):
    server, day = serve(evening), _day(market, 20)
    assert len(ask(server, breakdown.BOOK.path, date=day).rows) > 30
    assert ask(server, breakdown.BOOK.path, date=day, key=STANDARD_KEY).status == 403
    for book in (indices.BOOK, short_ratio.BOOK):
        assert ask(server, book.path, date=day, key=STANDARD_KEY).status == 200
        assert ask(server, book.path, date=day, key="simulator-light-key").status == 403
    assert ask(server, investor_types.BOOK.path, key="simulator-light-key").status == 200
