"""Pages end by bytes and join without loss; faults strike when they are told to, and only then."""

from __future__ import annotations

import http.client
from datetime import date

import pytest

from gogoku_pipeline.simulator import faults
from gogoku_pipeline.simulator.corrections import Correction
from gogoku_pipeline.simulator.faults import FaultPlan, When
from gogoku_pipeline.simulator.server import ServerOptions

BARS, MASTER = "/equities/bars/daily", "/equities/master"


def _all_pages(ask, server, path, **params):
    pages, key = [], None
    while True:
        reply = ask(server, path, **params, **({"pagination_key": key} if key else {}))
        assert reply.status == 200
        pages.append(reply)
        key = reply.body.get("pagination_key")
        if not key:
            return pages


def _rows(pages):
    return [row for page in pages for row in page.rows]


@pytest.mark.parametrize("page_bytes", [1, 2_000, 7_001])
def test_pages_join_to_the_whole_whatever_their_size(market, serve, ask, evening, page_bytes):
    day = market.sessions[20].isoformat()
    whole = ask(serve(evening), BARS, date=day)
    pages = _all_pages(ask, serve(evening, page_bytes=page_bytes), BARS, date=day)
    assert _rows(pages) == whole.rows and "pagination_key" not in whole.body
    assert len(pages) == (len(whole.rows) if page_bytes == 1 else len(pages)) > 1
    if page_bytes > 1:
        assert all(len(page.raw) <= page_bytes + 80 for page in pages)


def test_every_page_has_its_own_opaque_key_that_ends_in_a_dot(market, serve, ask, evening):
    pages = _all_pages(ask, serve(evening, page_bytes=4_000), MASTER)
    keys = [page.body["pagination_key"] for page in pages[:-1]]
    assert len(set(keys)) == len(keys) > 1
    assert all(key.endswith(".") and key.count(".") == 2 for key in keys)
    assert "pagination_key" not in pages[-1].body


def test_a_key_of_another_query_or_a_made_up_one_is_refused(market, serve, ask, evening):
    server = serve(evening, page_bytes=4_000)
    key = ask(server, BARS, date=market.sessions[20].isoformat()).body["pagination_key"]
    for wrong in (key, "abc", "abc.def.", key[:-1]):
        day = market.sessions[21 if wrong == key else 20].isoformat()
        reply = ask(server, BARS, date=day, pagination_key=wrong)
        assert (reply.status, reply.body) == (400, {"message": "The pagination_key is invalid."}), wrong


def test_a_bad_key_may_also_mean_the_first_page(market, serve, ask, evening):
    server = serve(evening, page_bytes=4_000, options=ServerOptions(bad_pagination_key="first_page"))
    day = market.sessions[20].isoformat()
    assert ask(server, BARS, date=day, pagination_key="x").rows == ask(server, BARS, date=day).rows


@pytest.mark.parametrize(
    ("fault", "status"),
    [(faults.ServerFailure(), 500), (faults.TooManyRequests(), 429), (faults.GatewayPage(), 502)],
)
def test_a_wire_fault_strikes_once_and_is_gone(market, serve, ask, evening, fault, status):
    server = serve(evening, faults=FaultPlan(fault))
    day = market.sessions[20].isoformat()
    first, second = ask(server, BARS, date=day), ask(server, BARS, date=day)
    assert (first.status, second.status) == (status, 200)
    assert isinstance(first.body, str) is (status == 502)
    assert server.faults.struck == [1]


def test_a_fault_strikes_the_request_the_path_the_day_and_the_page_it_names(market, serve, ask, evening):
    day, other = market.sessions[20], market.sessions[21]
    plan = FaultPlan(
        faults.ServerFailure(When(requests=frozenset({3}))),
        faults.ServerFailure(When(path=MASTER, times=None)),
        faults.ServerFailure(When(path=BARS, day=day, from_page=2, to_page=2)),
    )
    server = serve(evening, faults=plan, page_bytes=4_000)
    key = ask(server, BARS, date=day.isoformat()).body["pagination_key"]
    assert ask(server, BARS, date=other.isoformat()).status == 200
    assert ask(server, BARS, date=other.isoformat()).status == 500
    assert ask(server, BARS, date=day.isoformat(), pagination_key=key).status == 500
    assert ask(server, BARS, date=day.isoformat(), pagination_key=key).status == 200
    assert [ask(server, MASTER).status for _ in range(2)] == [500, 500]
    assert plan.struck == [1, 2, 1]


def test_a_truncated_body_is_shorter_than_promised(market, serve, ask, evening):
    server = serve(evening, faults=FaultPlan(faults.TruncatedBody(share=0.5)))
    with pytest.raises(http.client.IncompleteRead):
        ask(server, BARS, date=market.sessions[20].isoformat())
    assert ask(server, BARS, date=market.sessions[20].isoformat()).status == 200


def test_a_reset_leaves_no_answer(market, serve, ask, evening):
    server = serve(evening, faults=FaultPlan(faults.ConnectionReset()))
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        ask(server, BARS, date=market.sessions[20].isoformat())
    assert ask(server, BARS, date=market.sessions[20].isoformat()).status == 200


def test_a_slow_answer_is_late_on_the_rate_clock(market, serve, ask, evening):
    server = serve(evening, faults=FaultPlan(faults.SlowAnswer(seconds=120.0)))
    start = evening.monotonic()
    assert ask(server, BARS, date=market.sessions[20].isoformat()).status == 200
    assert evening.monotonic() - start >= 120.0


def _struck(serve, ask, evening, market, fault):
    day = market.sessions[20].isoformat()
    return ask(serve(evening, faults=FaultPlan(fault)), BARS, date=day).rows, ask(serve(evening), BARS, date=day).rows


def test_a_column_may_go_missing_be_renamed_or_appear(market, serve, ask, evening):
    always = When(times=None)
    rows, _ = _struck(serve, ask, evening, market, faults.MissingColumn(always, "C"))
    assert all("C" not in row for row in rows)
    rows, honest = _struck(serve, ask, evening, market, faults.RenamedColumn(always, "C", "Close"))
    assert [row["Close"] for row in rows] == [row["C"] for row in honest] and all("C" not in row for row in rows)
    rows, honest = _struck(serve, ask, evening, market, faults.ExtraColumn(always, "New", "x"))
    assert rows == [{**row, "New": "x"} for row in honest]


def test_values_may_turn_to_text_or_null(market, serve, ask, evening):
    rows, honest = _struck(serve, ask, evening, market, faults.ChangedValue(column="C", value="n/a", first_row=2))
    assert rows[2]["C"] == "n/a" and rows[:2] + rows[3:] == honest[:2] + honest[3:]
    rows, _ = _struck(serve, ask, evening, market, faults.ChangedValue(column="O", value=None, n_rows=None))
    assert all(row["O"] is None for row in rows)


def test_rows_may_repeat_stray_or_vanish(market, serve, ask, evening):
    rows, honest = _struck(serve, ask, evening, market, faults.DuplicateRows(n_rows=3))
    assert rows == honest + honest[:3]
    rows, honest = _struck(serve, ask, evening, market, faults.ForeignRows(other_day=date(2020, 6, 2), n_rows=2))
    assert [row["Date"] for row in rows[len(honest) :]] == ["2020-06-02"] * 2
    rows, _ = _struck(serve, ask, evening, market, faults.EmptyDay())
    assert rows == []


def test_data_that_change_between_two_pages_lose_a_row_as_in_the_real_service(market, serve, ask, evening):
    day = market.sessions[20].isoformat()
    change = faults.DroppedRows(When(path=BARS, from_page=2, times=None), n_rows=1)
    pages = _all_pages(ask, serve(evening, page_bytes=8_000, faults=FaultPlan(change)), BARS, date=day)
    whole = ask(serve(evening), BARS, date=day).rows
    assert len(_rows(pages)) == len(whole) - 1
    assert pages[0].rows == whole[: len(pages[0].rows)]


def test_a_correction_between_two_pages_shows_in_the_second_only(market, serve, ask, evening):
    day = market.sessions[20]
    server = serve(evening, page_bytes=4_000)
    whole = ask(serve(evening), BARS, date=day.isoformat()).rows
    first = ask(server, BARS, date=day.isoformat())
    for row in (whole[0], whole[-1]):
        server.correct(Correction(BARS, day, {"Code": row["Code"]}, "Vo", 7.0, evening.now()))
    key, rest = first.body["pagination_key"], []
    while key:
        page = ask(server, BARS, date=day.isoformat(), pagination_key=key)
        rest, key = rest + page.rows, page.body.get("pagination_key")
    assert first.rows[0]["Vo"] == whole[0]["Vo"] != 7.0
    assert rest[-1]["Vo"] == 7.0 and len(first.rows) + len(rest) == len(whole)
    assert ask(server, BARS, date=day.isoformat()).rows[0]["Vo"] == 7.0


def test_a_correction_of_one_server_is_unknown_to_another_of_the_same_market(market, serve, ask, evening):
    day = market.sessions[20]
    honest, corrected = serve(evening), serve(evening)
    corrected.correct(Correction(BARS, day, {}, "", None, evening.now(), change="removed"))
    for _ in range(2):
        assert ask(corrected, BARS, date=day.isoformat()).rows == []
        assert ask(honest, BARS, date=day.isoformat()).rows
    before = {row["Key"]: row["LastModified"] for row in ask(honest, "/bulk/list", endpoint=BARS).rows}
    after = {row["Key"]: row["LastModified"] for row in ask(corrected, "/bulk/list", endpoint=BARS).rows}
    assert [key for key in before if before[key] != after[key]] == [key for key in before if "_202006." in key]
