"""How an endpoint is asked: from the parameters of a request to the event days and values that are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from gogoku_pipeline.simulator import rules
from gogoku_pipeline.simulator.book import Book

Params = Mapping[str, str]
Window = tuple[date, date | None]

EARNINGS_DATE, SCHEDULED = "/fins/earnings-date", "scheduled_date"
UNDERLYING = {"/derivatives/bars/daily/options": "UndSSO"}
"""Endpoints whose `code` is the underlying of an option, and the response key of it."""

QUOTED = {"/markets/short-ratio"}
"""Endpoints that put the names of missing parameters in quotes, as users have seen."""

LONGEST_NOTICE, LATEST_CHANGE = timedelta(days=240), timedelta(days=120)
"""How long before and after a scheduled date its announcements are looked for; a year later the same names return."""


@dataclass(frozen=True)
class Latest:
    """Of rows that follow each other only the newest of each combination of keys counts, and then one value is asked.

    Attributes:
        per: response keys whose combinations follow each other.
        key, value: what is asked of the newest rows.
    """

    per: tuple[str, ...]
    key: str
    value: str


@dataclass(frozen=True)
class Question:
    """What is wanted: event days [first, last] and the values some keys must have.

    Attributes:
        first, last: event days, both included; nothing is wanted if first > last.
        code: the issue, None for all.
        matches: response keys and the value each must have.
        latest: see Latest; None for every row.
    """

    first: date
    last: date
    code: str | None = None
    matches: Mapping[str, str] = field(default_factory=dict)
    latest: Latest | None = None


def read_question(book: Book, params: Params, window: Window, today: date, *, is_strict: bool = False) -> Question:
    """The question of a request.

    Args:
        book: what is asked.
        params: of the request.
        window: days the plan covers.
        today: the day of asking.
        is_strict: whether a range that only partly lies in the window is refused.

    Raises:
        Refusal: 400 in the service's words.
    """
    _check_presence(book, params)
    filters = {name: key for name, key in book.filters.items() if params.get(name) and name != SCHEDULED}
    matches = {key: _value(book, name, params[name]) for name, key in filters.items()}
    code = rules.read_code(params) if book.code_key else None
    if book.path in UNDERLYING:
        code, matches = None, matches | _underlying(book, params)
    first, last = max(book.starts, window[0]), min(today, window[1] or today)
    day = rules.read_date(params, book.day_parameter) if book.day_parameter else None
    if day is not None:
        check_day(day, window)
        return Question(day, min(day, today), code, matches)
    for name, (key, event_day) in book.other_days.items():
        if (asked := rules.read_date(params, name)) is not None:
            check_day(asked, window)
            event = event_day(asked)
            found = (date.max, date.min) if event is None else (max(event, first), min(event, last))
            return Question(*found, code, {**matches, key: asked.isoformat()})
    if book.path == EARNINGS_DATE and (asked := rules.read_date(params, SCHEDULED)) is not None:
        latest = Latest(("Code", "FYE", "FQName"), "SchDate", asked.isoformat())
        return Question(max(first, asked - LONGEST_NOTICE), min(last, asked + LATEST_CHANGE), latest=latest)
    if book.has_range:
        first, last = read_range(params, book.range_parameters, window, (first, last), is_strict=is_strict)
    return Question(first, last, code, matches)


def select_keys(book: Book) -> set[str]:
    """Response keys that queries of a book select by."""
    keys = {book.code_key, UNDERLYING.get(book.path, ""), *book.filters.values()}
    return (keys | {key for key, _ in book.other_days.values()}) - {""}


def check_day(day: date, window: Window) -> None:
    """Refuses a day the plan does not cover."""
    if day < window[0] or (window[1] is not None and day > window[1]):
        raise rules.not_covered(window)


def read_range(
    params: Params, names: tuple[str, str], window: Window, whole: tuple[date, date], *, is_strict: bool
) -> tuple[date, date]:
    """A range inside what the plan covers; refuses one that lies outside it.

    Args:
        params: of the request.
        names: parameters of the first and the last day.
        window: days the plan covers.
        whole: first and last day if none is given.
        is_strict: whether a range that only partly lies in the window is refused.
    """
    start, end = (rules.read_date(params, name) for name in names)
    if start is not None and end is not None and start > end:
        raise rules.Refusal(400, f"'{names[0]}' must not be after '{names[1]}'.")
    is_before = end is not None and end < window[0]
    is_after = start is not None and window[1] is not None and start > window[1]
    is_partly = (start is not None and start < window[0]) or (
        end is not None and window[1] is not None and end > window[1]
    )
    if is_before or is_after or (is_partly and is_strict):
        raise rules.not_covered(window)
    return max(start or whole[0], whole[0]), min(end or whole[1], whole[1])


def _check_presence(book: Book, params: Params) -> None:
    """Refuses what is missing and what may not be given together."""
    given = [name for name in book.needs_one_of if params.get(name)]
    if book.needs_one_of and not given and not book.range_alone:
        raise rules.need_one_of(*book.needs_one_of, is_quoted=book.path in QUOTED)
    if book.path == EARNINGS_DATE and len(given) > 1:
        raise rules.not_together(*given)
    for name in book.other_days:
        for other in (book.day_parameter, *book.range_parameters):
            if params.get(name) and params.get(other):
                raise rules.not_together(name, other)


def _underlying(book: Book, params: Params) -> dict[str, str]:
    """The underlying asked for; only the category of single-stock options knows one."""
    code = rules.read_code(params)
    if code is None:
        return {}
    if params.get("category") != "EQOP":
        raise rules.Refusal(400, "'code' can be used only with 'category' EQOP.")
    return {UNDERLYING[book.path]: code}


def _value(book: Book, name: str, text: str) -> str:
    """A filter's value in the form of the answers: sector 50 is 0050."""
    wide = text.zfill(book.widths.get(name, 0))
    return wide.upper() if name == "code" else wide
