"""The desk behind the counter: from a path and its parameters to the rows of the answer, or a refusal."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.simulator import rules
from gogoku_pipeline.simulator.bars_rows import encode_bars
from gogoku_pipeline.simulator.other_rows import (
    CALENDAR_START,
    calendar_end,
    encode_calendar,
    encode_master,
    encode_topix,
)
from gogoku_pipeline.simulator.prints import cells_of_day, cells_of_issue
from gogoku_pipeline.simulator.publication import newest_bars, newest_master, session_on_or_after
from gogoku_pipeline.simulator.rows import EMPTY, Rows, from_mappings

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Params = Mapping[str, str]
Window = tuple[date, date | None]


class Desk:
    """Answers queries about one market at the clock's hour; keeps recently encoded answers.

    Args:
        market: what there is to tell.
        clock: the publication clock.
        is_partial_range_refused: whether a from/to that only partly lies in the plan's window is refused (400) or cut.
        cache_bytes: how much encoded text is kept.
    """

    def __init__(
        self, market: Market, clock: Clock, *, is_partial_range_refused: bool = False, cache_bytes: int = 128_000_000
    ) -> None:
        self._market = market
        self._clock = clock
        self._is_partial_range_refused = is_partial_range_refused
        self._cache: OrderedDict[tuple[object, ...], Rows] = OrderedDict()
        self._room = cache_bytes
        self._answers: dict[str, Callable[[Params, rules.Plan], Rows]] = {
            "/markets/calendar": self._calendar,
            "/equities/master": self._master,
            "/equities/bars/daily": self._bars,
            "/indices/bars/daily/topix": self._topix,
        }

    def answer(self, path: str, params: Params, plan: rules.Plan) -> Rows:
        """The rows of a query; raises Refusal."""
        if path not in self._answers:
            raise rules.unknown_path()
        if not rules.includes(plan, path):
            raise rules.not_in_plan()
        return self._answers[path](params, plan)

    def _calendar(self, params: Params, plan: rules.Plan) -> Rows:
        window = self._window(plan)
        last = min(calendar_end(self._today), window[1] or date.max)
        start, end = self._range(params, window, max(CALENDAR_START, window[0]), last)
        wanted = params.get("hol_div", "")
        if wanted not in ("", "0", "1", "2", "3"):
            raise rules.Refusal(400, "'hol_div' must be one of 0, 1, 2, 3.")
        key = ("calendar", start, end, wanted)
        return self._kept(key, lambda: encode_calendar(start, end, frozenset({wanted} - {""})))

    def _master(self, params: Params, plan: rules.Plan) -> Rows:
        window = self._window(plan)
        asked = rules.read_date(params, "date")
        code = rules.read_code(params)
        if asked is not None:
            self._check_day(asked, window)
        day = asked or min(self._today, window[1] or date.max)
        newest = newest_master(self._market, self._clock.now())
        place = min(session_on_or_after(self._market, day), newest)
        if place < 0:
            return EMPTY
        rows = self._kept(("master", place), lambda: encode_master(self._market, place))
        return rows if code is None else from_mappings(row for row in rows.decoded() if row["Code"] == code)

    def _bars(self, params: Params, plan: rules.Plan) -> Rows:
        market, window = self._market, self._window(plan)
        code, day = rules.read_code(params), rules.read_date(params, "date")
        if code is None and day is None:
            raise rules.need_one_of("date", "code")
        newest = newest_bars(market, self._clock.now())
        epoch = market.split_table.events_until(newest)
        is_premium = plan.name == "premium"
        if code is None and day is not None:
            self._check_day(day, window)
            place = session_on_or_after(market, day)
            if place > newest or market.sessions[place] != day:
                return EMPTY
            key = ("bars", place, epoch, is_premium)
            return self._kept(
                key, lambda: encode_bars(market, cells_of_day(market, place, newest), is_premium=is_premium)
            )
        start, end = self._range(params, window, window[0], min(window[1] or date.max, self._today))
        if day is not None:
            self._check_day(day, window)
            start = end = day
        if code not in market.codes or code is None:
            return EMPTY
        first, stop = self._places(start, end, newest)
        cells = cells_of_issue(market, market.codes.index(code), first, stop, newest)
        return encode_bars(market, cells, is_premium=is_premium)

    def _topix(self, params: Params, plan: rules.Plan) -> Rows:
        window = self._window(plan)
        start, end = self._range(params, window, window[0], self._today)
        first, stop = self._places(start, end, newest_bars(self._market, self._clock.now()))
        return encode_topix(self._market, first, max(first, stop))

    def _places(self, start: date, end: date, newest: int) -> tuple[int, int]:
        """Places of the published sessions in [start, end], the second one exclusive."""
        sessions = self._market.sessions
        return bisect_left(sessions, start), min(bisect_right(sessions, end), newest + 1)

    @property
    def _today(self) -> date:
        return self._clock.now().date()

    def _window(self, plan: rules.Plan) -> Window:
        return plan.window(self._today)

    def _check_day(self, day: date, window: Window) -> None:
        if day < window[0] or (window[1] is not None and day > window[1]):
            raise rules.not_covered(window)

    def _range(self, params: Params, window: Window, first: date, last: date) -> tuple[date, date]:
        """from/to inside what the plan covers; refuses a range that lies outside it."""
        start, end = rules.read_date(params, "from"), rules.read_date(params, "to")
        if start is not None and end is not None and start > end:
            raise rules.Refusal(400, "'from' must not be after 'to'.")
        is_before = end is not None and end < window[0]
        is_after = start is not None and window[1] is not None and start > window[1]
        is_partly = (start is not None and start < window[0]) or (
            end is not None and window[1] is not None and end > window[1]
        )
        if is_before or is_after or (is_partly and self._is_partial_range_refused):
            raise rules.not_covered(window)
        return max(start or first, first), min(end or last, last)

    def _kept(self, key: tuple[object, ...], make: Callable[[], Rows]) -> Rows:
        """An encoded answer from the cache, or made now; the oldest ones go when the room is used up."""
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        rows = make()
        self._cache[key] = rows
        self._room -= len(rows.blob) + 40 * len(rows)
        while self._room < 0 and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._room += len(oldest.blob) + 40 * len(oldest)
        return rows
