"""Outstanding disclosed short positions per stock: who is short at t, and by how much.

A holder is (seller, contractor, fund). Its position at t is its newest report among those delivered before the cut-off
of t and disclosed at most 500 sessions ago, newest by (disclosure date, calculation date). A report below 0.5 % says
that the holder left the band. Several rows of one holder with one disclosure and one calculation date: equal ratios
are one row, different ratios are several positions (private persons share a name) and add up; rows below 0.5 % do not.

Shares stand on the forward basis of staged prices (times the volume factor of the calculation date), prices are the
mark of the calculation date; both are unknown when the report was disclosed more than 20 sessions after it.
A stock without any outstanding holder has sum 0 and count 0 from 2013-11-07 on, and nothing is known before.
Source: /markets/short-sale-report; features.md 3.11 and golden example G9.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values, Whole
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.features.states.whole_calendar import over_whole_calendar

STARTS = date(2013, 11, 7)
"""First disclosure date of the source."""

BAND = 0.005
"""Share of the company from which a position must be reported."""

EXPIRES, LATE, CHANGE, AGE_CAP = 500, 20, 20, 250
"""Sessions: a report's life; the longest way from calculation to disclosure; the span of new and left holders; the
cap of the age."""

_HOLDER = ("code", "seller_name", "contractor_name", "fund_name")
_REPORT = (*_HOLDER, "disclosed_date", "calculated_date")

_COLUMNS = {
    "ratio_sum": "Sum of the outstanding positions over shares outstanding; 0 for nobody.",
    "holders": "Number of holders outstanding.",
    "top_ratio": "Largest outstanding position; null for nobody.",
    "square_sum": "Sum of the squared positions.",
    "new_holders": "Holders outstanding now that were not 20 sessions ago.",
    "left_holders": "Holders outstanding 20 sessions ago that are not now.",
    "shares": "Shares held short, on the forward volume basis.",
    "ratio_per_mark": "Sum of position over adjusted mark of its calculation date.",
    "age_sessions": "Sessions since the newest report became available, at most 250; null for none in 500 sessions.",
}


def stage(known: Known) -> pl.DataFrame:
    """One row per session and code of the staged prices from 2013-11-07 on."""
    whole = over_whole_calendar(known)
    calendar = whole.sessions
    days = calendar.to_physical().to_numpy().astype(np.int64)
    spans = _spans(known.prices, days)
    reports = _dated(whole, days).join(spans.select("code", "number", "first"), on="code")
    reports = reports.filter(pl.col("disclosed") + EXPIRES + CHANGE >= pl.col("first"))
    events = _events(_on_one_basis(reports, known.prices, calendar))
    first = spans["first"].to_numpy()
    bounds = np.concatenate(([0], np.cumsum(spans["last"].to_numpy() - first + 1))).astype(np.int64)
    times = np.stack([events[name].to_numpy().astype(np.int64) for name in ("known", "disclosed")])
    amounts = np.stack([events[name].fill_null(float("nan")).to_numpy() for name in ("ratio", "shares", "per_mark")])
    values = outstanding(*_holders(events), times, amounts, first, bounds, _start(days))
    number = np.repeat(np.arange(spans.height), np.diff(bounds))
    place = np.arange(bounds[-1]) - bounds[number] + first[number]
    return pl.DataFrame(
        {"session": calendar.gather(place), "code": spans["code"].gather(number)}
        | {name: pl.Series(values[i], nan_to_null=True) for i, name in enumerate(_COLUMNS)}
    )


def _start(days: Whole) -> int:
    return int(np.searchsorted(days, (STARTS - date(1970, 1, 1)).days))


def _spans(prices: pl.DataFrame, days: Whole) -> pl.DataFrame:
    """(code, number, first, last): places of the first and last session of each code, none before the source starts."""
    ends = prices.group_by("code").agg(first=pl.col("session").min(), last=pl.col("session").max()).sort("code")
    placed = ends.with_columns(
        pl.Series(name, np.searchsorted(days, ends[name].to_physical().to_numpy())) for name in ("first", "last")
    ).with_columns(pl.col("first").clip(_start(days)))
    return placed.filter(pl.col("first") <= pl.col("last")).with_row_index("number")


def _dated(known: Known, days: Whole) -> pl.DataFrame:
    """Reports with the places of their calculation, their disclosure and the first session that knew them."""
    reports = known.known_session(known.table("short_positions")).filter(pl.col("known_session").is_not_null())
    calculated, disclosed = (
        reports[f"{name}_date"].to_physical().to_numpy().astype(np.int64) for name in ("calculated", "disclosed")
    )
    return reports.with_columns(
        known=known.place(reports["known_session"]).cast(pl.Int64),
        calculated=pl.Series(np.searchsorted(days, calculated, side="right") - 1),
        disclosed=pl.Series(np.searchsorted(days, disclosed)),
    )


def _on_one_basis(reports: pl.DataFrame, prices: pl.DataFrame, calendar: pl.Series) -> pl.DataFrame:
    """Add `ratio`, `shares`, `per_mark` of each row: 0 outside the band, null where the price then is unknown."""
    then = reports.with_columns(session=calendar.gather(reports["calculated"].clip(0))).join(
        prices.select("session", "code", "volume_factor", "mark"),
        on=["session", "code"],
        how="left",
        maintain_order="left",
    )
    ratio, in_time = pl.col("short_to_outstanding"), pl.col("disclosed") - pl.col("calculated") <= LATE
    inside = ratio >= BAND
    return then.with_columns(
        pl.when(inside).then(ratio).otherwise(0.0).alias("ratio"),
        pl.when(~inside).then(0.0).when(in_time).then(pl.col("short_shares") * pl.col("volume_factor")).alias("shares"),
        pl.when(~inside).then(0.0).when(in_time).then(ratio / pl.col("mark")).alias("per_mark"),
    )


def _events(reports: pl.DataFrame) -> pl.DataFrame:
    """One row per report and session that learned something about it, ordered by holder and then by report.

    A report is the sum of its rows known by then; of equal ratios the one known first counts (the larger, of two).
    """
    rows = reports.sort(*_REPORT, "known", "short_to_outstanding", -pl.col("short_shares"), nulls_last=True)
    positions = rows.unique([*_REPORT, "short_to_outstanding"], keep="first", maintain_order=True)
    sums = positions.with_columns(pl.col("ratio", "shares", "per_mark").cum_sum().over(_REPORT))
    broken = sums.with_columns(
        pl.when(pl.col(name).is_null().cum_max().over(_REPORT)).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("shares", "per_mark")
    )
    return broken.unique([*_REPORT, "known"], keep="last", maintain_order=True)


def _holders(events: pl.DataFrame) -> tuple[Whole, Whole]:
    """(starts, code): first event of each holder and the end, and the number of the holder's code."""
    if events.is_empty():
        return np.zeros(1, np.int64), np.zeros(0, np.int64)
    is_first = events.select(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in _HOLDER).alias("is_first")
    )["is_first"].to_numpy()
    is_first[0] = True
    starts = np.flatnonzero(is_first)
    return np.append(starts, events.height), events["number"].to_numpy().astype(np.int64)[starts]


@compiled
def outstanding(
    starts: Whole, code: Whole, times: Whole, amounts: Values, first: Whole, bounds: Whole, source_start: int
) -> Values:
    """Sums over the holders outstanding, [columns, rows]; rows of code c are bounds[c] .. bounds[c+1]-1.

    A report speaks from the session that knows it until a newer one of its holder does, or 500 sessions after its
    disclosure. Holders are added in one fixed order, so a sum does not depend on where the rows begin.
    """
    known, disclosed = times[0], times[1]
    out = np.zeros((9, bounds[-1]))
    out[2] = np.nan
    newest = np.full(bounds[-1], np.int64(-1))
    for h in range(starts.size - 1):
        low, high = first[code[h]], first[code[h]] + bounds[code[h] + 1] - bounds[code[h]]
        shift = bounds[code[h]] - low
        held = np.zeros(high - low + CHANGE, np.bool_)
        superseded = np.int64(2**62)
        for k in range(starts[h + 1] - 1, starts[h] - 1, -1):
            expired = disclosed[k] + EXPIRES + 1
            for t in range(max(known[k], low), min(expired, high)):
                newest[shift + t] = max(newest[shift + t], known[k])
            if amounts[0, k] > 0.0:
                begin, end = max(known[k], low - CHANGE), min(expired, superseded, high)
                held[begin - low + CHANGE : max(end - low + CHANGE, 0)] = True
                _add(out, amounts[:, k], shift + max(begin, low), shift + end)
            superseded = min(superseded, known[k])
        for t in range(low, high):
            now, before = held[t - low + CHANGE], held[t - low]
            out[4, shift + t] += now and not before
            out[5, shift + t] += before and not now
    _finish(out, newest, first, bounds, source_start)
    return out


@compiled
def _add(out: Values, amounts: Values, begin: int, end: int) -> None:
    """One holder's position (ratio, shares, ratio per mark) on rows begin .. end-1."""
    ratio = amounts[0]
    for row in range(begin, end):
        out[0, row] += ratio
        out[1, row] += 1.0
        out[2, row] = ratio if out[2, row] != out[2, row] else max(out[2, row], ratio)
        out[3, row] += ratio * ratio
        out[6, row] += amounts[1]
        out[7, row] += amounts[2]


@compiled
def _finish(out: Values, newest: Whole, first: Whole, bounds: Whole, source_start: int) -> None:
    """Ages, and no changes where the session 20 before lies before the source."""
    for c in range(bounds.size - 1):
        for row in range(bounds[c], bounds[c + 1]):
            t = first[c] + row - bounds[c]
            out[8, row] = min(t - newest[row], AGE_CAP) if newest[row] >= 0 else np.nan
            if t - CHANGE < source_start:
                out[4, row] = np.nan
                out[5, row] = np.nan


STATE = State(
    alias="short_positions",
    axis="stock",
    tables=("short_positions",),
    columns=_COLUMNS,
    stage=stage,
    history_sessions=EXPIRES + CHANGE + LATE,
    price_sessions=EXPIRES + LATE,
)
