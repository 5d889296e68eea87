"""The desk behind the counter: from a path and its parameters to the rows of the answer, or a refusal."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.simulator import rules
from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.books import BOOKS, NOW_BOOKS
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.other_rows import CALENDAR_START, calendar_end, calendar_rows
from gogoku_pipeline.simulator.publication import newest_master, session_on_or_after
from gogoku_pipeline.simulator.questions import Latest, Question, check_day, read_question, read_range
from gogoku_pipeline.simulator.rows import EMPTY, Rows, from_mappings, join
from gogoku_pipeline.simulator.shelf import Leaf, Shelf, encode, shared_leaves
from gogoku_pipeline.simulator.standing_books import CALENDAR, MASTER, STANDING

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Params = Mapping[str, str]
ALL_BOOKS = (*STANDING, *BOOKS)
EARLY = timedelta(days=10)
CURSOR = "cursor"


@dataclass(frozen=True)
class Answer:
    """Rows of an answer, and the cursor that its last page carries (None for none)."""

    rows: Rows
    cursor: str | None = None


class Desk:
    """Answers queries about one market at the clock's hour; keeps recently encoded answers.

    Args:
        market: what there is to tell.
        clock: the publication clock.
        shelf: its served days.
        corrections: values that were corrected in place.
        books: what may be asked by event day.
        is_partial_range_refused: whether a from/to that only partly lies in the plan's window is refused (400) or cut.
    """

    def __init__(
        self,
        market: Market,
        clock: Clock,
        shelf: Shelf,
        corrections: Corrections,
        *,
        books: Sequence[Book] = ALL_BOOKS,
        is_partial_range_refused: bool = False,
    ) -> None:
        self._market = market
        self._clock = clock
        self._is_strict = is_partial_range_refused
        self._corrections = corrections
        self._shelf = shelf
        self._books = {book.path: book for book in books}
        self._own_manners: dict[str, Callable[[Params, rules.Plan], Answer]] = {
            CALENDAR.path: self._calendar,
            MASTER.path: self._master,
        }

    def answer(self, path: str, params: Params, plan: rules.Plan) -> Answer:
        """The rows of a query; raises Refusal."""
        if path not in self._books and path not in NOW_BOOKS:
            raise rules.unknown_path()
        if not rules.includes(plan, path):
            raise rules.not_in_plan()
        if path in NOW_BOOKS:
            return self._present(path, params)
        if path in self._own_manners:
            return self._own_manners[path](params, plan)
        return self._book(self._books[path], params, plan)

    def _book(self, book: Book, params: Params, plan: rules.Plan) -> Answer:
        """Answer of an endpoint that is asked by event day."""
        now = self._clock.now()
        is_premium = plan.name == "premium"
        question = read_question(book, params, plan.window(now.date()), now.date(), is_strict=self._is_strict)
        since = self._since(book, params, is_premium=is_premium)
        is_by_issue = question.code is not None or not book.code_key
        if book.span is not None and is_by_issue and question.first <= question.last:
            days = (question.first, question.last)
            return Answer(self._shelf.span(book, question.code, days, now, is_premium=is_premium))
        matches = dict(question.matches) | ({book.code_key: question.code} if question.code else {})
        parts = [leaf.chosen(matches) for leaf in self._leaves(book, question, now, is_premium=is_premium)]
        rows = join(parts)
        if question.latest is not None:
            rows = from_mappings(_newest(rows.decoded(), question.latest))
        if since is not None:
            rows = self._after(book, rows, question, since)
        has_cursor = book.live is not None and is_premium
        return Answer(rows, _cursor_of(now) if has_cursor else None)

    def _leaves(self, book: Book, question: Question, now: datetime, *, is_premium: bool) -> list[Leaf]:
        """The served days of a question."""
        if not self._market.sessions:
            return []
        first = max(question.first, self._market.sessions[0] - EARLY, book.starts)
        last = min(question.last, self._market.sessions[-1] + EARLY)
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [self._shelf.day(book, day, now, is_premium=is_premium) for day in days]

    def _since(self, book: Book, params: Params, *, is_premium: bool) -> datetime | None:
        """The instant a cursor stands for; None without one."""
        text = params.get(CURSOR, "")
        if book.live is None or not text:
            return None
        if not is_premium:
            raise rules.not_in_plan()
        if params.get("pagination_key"):
            raise rules.not_together(CURSOR, "pagination_key")
        try:
            return datetime.fromisoformat(base64.b32decode(text.rstrip(".").encode()).decode())
        except ValueError:
            raise rules.Refusal(400, "The cursor is invalid.") from None

    def _after(self, book: Book, rows: Rows, question: Question, since: datetime) -> Rows:
        """Rows that were not there yet at an earlier instant."""
        before = join([leaf.rows for leaf in self._leaves(book, question, since, is_premium=True)])
        known = {row["DiscNo"] for row in before.decoded()}
        return from_mappings(row for row in rows.decoded() if row["DiscNo"] not in known)

    def _present(self, path: str, params: Params) -> Answer:
        """Answer of an endpoint that knows only the present; 210 outside its hours and for an unknown code."""
        told = NOW_BOOKS[path](self._market, self._clock.now())
        if told is None:
            raise rules.not_available()
        rows = encode(told)
        code = rules.read_code(params)
        if path.endswith("/am") and code is not None:
            rows = from_mappings(row for row in rows.decoded() if row["Code"] == code)
            if not len(rows):
                raise rules.not_available()
        return Answer(rows)

    def _calendar(self, params: Params, plan: rules.Plan) -> Answer:
        today = self._clock.now().date()
        window = plan.window(today)
        whole = (max(CALENDAR_START, window[0]), min(calendar_end(today), window[1] or date.max))
        start, end = read_range(params, ("from", "to"), window, whole, is_strict=self._is_strict)
        wanted = params.get("hol_div", "")
        if wanted not in ("", "0", "1", "2", "3"):
            raise rules.Refusal(400, "'hol_div' must be one of 0, 1, 2, 3.")
        due = self._corrections.due(CALENDAR.path, (start, end), self._clock.now())

        def leaf() -> Leaf:
            told = self._corrections.applied(due, calendar_rows(start, end), "Date")
            return Leaf(from_mappings(row for row in told if not wanted or row["HolDiv"] == wanted), {})

        key = (CALENDAR.path, start, end, wanted)
        return Answer((leaf() if due else shared_leaves(self._market).get(key, leaf)).rows)

    def _master(self, params: Params, plan: rules.Plan) -> Answer:
        now = self._clock.now()
        window = plan.window(now.date())
        asked = rules.read_date(params, "date")
        code = rules.read_code(params)
        if asked is not None:
            check_day(asked, window)
        day = asked or min(now.date(), window[1] or date.max)
        place = min(session_on_or_after(self._market, day), newest_master(self._market, now))
        if place < 0:
            return Answer(EMPTY)
        leaf = self._shelf.day(MASTER, self._market.sessions[place], now, is_premium=True)
        return Answer(leaf.chosen({"Code": code} if code else {}))


def _newest(rows: list[dict[str, Any]], latest: Latest) -> list[dict[str, Any]]:
    """The newest row of each combination of keys, if it has the value asked for; rows come oldest first."""
    newest = {tuple(row[key] for key in latest.per): row for row in rows}
    return [row for row in newest.values() if row[latest.key] == latest.value]


def _cursor_of(now: datetime) -> str:
    """An opaque point of the day's stream."""
    return base64.b32encode(now.isoformat().encode()).decode() + "."
