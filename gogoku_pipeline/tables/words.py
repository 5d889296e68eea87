"""What the landings of a source say together: parsed once each, ordered day by day, turned into rows in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import DataError, PayloadError, SchemaError
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.landings import Walk
from gogoku_pipeline.tables.parsing import Parsed, parse_landing
from gogoku_pipeline.tables.versions import ORDER, InForce, by_rule, in_force


@dataclass(frozen=True)
class Speaker:
    """One landing that speaks of a day.

    Attributes:
        place: its place among the landings looked at.
        heard_until: instant of the last fetch that brought exactly the same.
    """

    place: int
    heard_until: datetime


@dataclass(frozen=True)
class Words:
    """What was said about a set of event days.

    Attributes:
        by_day: for each day the landings that speak of it, oldest first.
        parsed: what became of each landing, by its place in `landings`.
        landings: every landing that was looked at, oldest first.
        said: for each day what was answered and when, in order.
        warnings: landings that were left out, and what each landing warns of.
    """

    by_day: Mapping[date, Sequence[Speaker]]
    parsed: Mapping[int, Parsed]
    landings: Sequence[Walk]
    said: Mapping[date, Sequence[tuple[str, datetime]]]
    warnings: tuple[str, ...]

    def newest(self, day: date) -> int:
        """Place of the landing in force for a day."""
        return self.by_day[day][-1].place


def listened(store: Store, source: Source, table: Table, by_day: Mapping[date, Sequence[Walk]]) -> Words:
    """Parse every landing once and order what they say.

    A landing that cannot be typed counts only while nothing newer replaces it. A file that has no row of a day on
    which the source is never empty does not speak of that day, if another landing does.

    Args:
        store: where the bytes are.
        source: what the publisher sends.
        table: what is made of it.
        by_day: event days and their landings, oldest first, at least one each.

    Raises:
        DataError: contradicting rows in the newest landing of a day.
        PayloadError: the newest landing of a day is no answer.
        SchemaError: a declared field is missing from, or retyped in, the newest landing of a day.
    """
    landings = _distinct(by_day)
    place = {_identity(walk): n for n, walk in enumerate(landings)}
    newest = {place[_identity(walks[-1])] for walks in by_day.values()}
    parsed: dict[int, Parsed] = {}
    warnings: list[str] = []
    for n, walk in enumerate(landings):
        try:
            parsed[n] = _only(parse_landing(store, source, table, walk), by_day)
        except (PayloadError, SchemaError) as problem:
            if n in newest:
                raise
            warnings.append(_left_out(source, walk, str(problem)))
    spoken = {}
    for day, walks in by_day.items():
        speakers = [Speaker(place[_identity(walk)], walk.heard_until) for walk in walks]
        spoken[day] = _speakers(source, day, speakers, landings, parsed)
        warnings.extend(_contradicted(source, day, spoken[day], landings, parsed))
    said = [text for n in sorted(parsed) for text in parsed[n].warnings]
    return Words(spoken, parsed, landings, answers(by_day), tuple(dict.fromkeys([*said, *warnings])))


def answers(by_day: Mapping[date, Sequence[Walk]]) -> dict[date, list[tuple[str, datetime]]]:
    """For each day what was answered and when, in order."""
    return {day: [_identity(walk) for walk in walks] for day, walks in by_day.items()}


def heard(store: Store, source: Source, table: Table, walks: Sequence[Walk]) -> Words:
    """Parse range calls and captures, oldest first; each speaks of the days it has rows of.

    Rows of sessions that were not final when they were fetched wait for a later landing. Arguments and errors as for
    `listened`.
    """
    parsed: dict[int, Parsed] = {}
    warnings: list[str] = []
    for n, walk in enumerate(walks):
        try:
            parsed[n] = _final(table, parse_landing(store, source, table, walk), walk)
        except (PayloadError, SchemaError) as problem:
            if n == len(walks) - 1:
                raise
            warnings.append(_left_out(source, walk, str(problem)))
    spoken: dict[date, list[Speaker]] = {}
    for n, found in parsed.items():
        for day in found.counts["__day"]:
            spoken.setdefault(day, []).append(Speaker(n, walks[n].heard_until))
    for day, speakers in spoken.items():
        warnings.extend(_contradicted(source, day, speakers, walks, parsed))
    said = [text for n in sorted(parsed) for text in parsed[n].warnings]
    told = {day: [_identity(walks[speaker.place]) for speaker in speakers] for day, speakers in spoken.items()}
    return Words(spoken, parsed, walks, told, tuple(dict.fromkeys([*said, *warnings])))


def _final(table: Table, parsed: Parsed, walk: Walk) -> Parsed:
    """Without the rows of a partitioned table that were not final yet when they were fetched."""
    if not table.partitioned or parsed.frame.is_empty():
        return parsed
    fetched = pl.lit(walk.fetched_at, ORDER["__fetched"])
    is_early = by_rule(table, parsed.frame.with_columns(fetched.alias("__fetched"))) > walk.fetched_at
    if not is_early.any():
        return parsed
    early = parsed.frame.filter(is_early).group_by("__day").agg(pl.len().cast(pl.Int64).alias("early"))
    counts = parsed.counts.drop("early").join(early, on="__day", how="left").with_columns(pl.col("early").fill_null(0))
    return replace(parsed, frame=parsed.frame.filter(~is_early), counts=counts)


def standing(source: Source, table: Table, words: Words) -> InForce:
    """The rows in force after all of it, and what they superseded."""
    single = {day for day, places in words.by_day.items() if len(places) == 1}
    several = [day for day in words.by_day if day not in single]
    simple = _simple(table, words, single)
    if not several:
        return simple
    order = _order(words, several)
    used = sorted(set(order["__landing"].to_list()))
    days = pl.Series(several, dtype=pl.Date).implode()
    rows = pl.concat(
        words.parsed[n].frame.filter(pl.col("__day").is_in(days)).with_columns(pl.lit(n, pl.Int64).alias("__landing"))
        for n in used
    )
    versioned = in_force(source, table, rows, order)
    if not single:
        return versioned
    return InForce(pl.concat([simple.frame, versioned.frame]), versioned.superseded)


def _simple(table: Table, words: Words, days: Iterable[date]) -> InForce:
    """Rows of days of which one landing speaks: available by the publication rule."""
    of_landing: dict[int, list[date]] = {}
    for day in days:
        of_landing.setdefault(words.newest(day), []).append(day)
    frames = []
    for n in sorted(of_landing, key=lambda n: min(of_landing[n])):
        frame = words.parsed[n].frame
        if not set(frame["__day"].unique()) <= set(of_landing[n]):
            frame = frame.filter(pl.col("__day").is_in(pl.Series(of_landing[n], dtype=pl.Date).implode()))
        fetched = pl.lit(words.landings[n].fetched_at, ORDER["__fetched"]).alias("__fetched")
        frames.append(frame.with_columns(pl.lit(n, pl.Int64).alias("__landing"), fetched))
    if not frames:
        return InForce(pl.DataFrame(), pl.DataFrame())
    rows = pl.concat(frames)
    stamped = rows.drop("__fetched").with_columns(by_rule(table, rows))
    return InForce(stamped, pl.DataFrame())


def _order(words: Words, days: Iterable[date]) -> pl.DataFrame:
    rows: list[tuple[date, int, int, datetime, datetime | None]] = []
    for day in days:
        heard, nth = None, 0
        for speaker in words.by_day[day]:
            n = speaker.place
            if n in words.parsed and day not in words.parsed[n].contradictions:
                rows.append((day, n, nth, words.landings[n].fetched_at, heard))
                nth += 1
            heard = speaker.heard_until
    return pl.DataFrame(rows, schema=ORDER, orient="row")


def _distinct(by_day: Mapping[date, Sequence[Walk]]) -> list[Walk]:
    found = {_identity(walk): walk for walks in by_day.values() for walk in walks}
    return sorted(found.values(), key=lambda walk: walk.fetched_at)


def _identity(walk: Walk) -> tuple[str, datetime]:
    return walk.said, walk.fetched_at


def _only(parsed: Parsed, by_day: Mapping[date, Sequence[Walk]]) -> Parsed:
    """The rows of the days wanted; a month's file is not kept for one of its days."""
    seen = parsed.frame["__day"].unique()
    wanted = [day for day in seen if day in by_day]
    if len(wanted) == len(seen):
        return parsed
    days = pl.Series(wanted, dtype=pl.Date).implode()
    frame = parsed.frame.filter(pl.col("__day").is_in(days))
    return replace(parsed, frame=frame)


def _speakers(
    source: Source, day: date, speakers: list[Speaker], landings: Sequence[Walk], parsed: Mapping[int, Parsed]
) -> list[Speaker]:
    """Those that speak of the day."""
    if source.empty != "never" or len(speakers) == 1:
        return speakers

    def is_silent(n: int) -> bool:
        return landings[n].covers is not None and n in parsed and day not in parsed[n].counts["__day"].to_list()

    return [speaker for speaker in speakers if not is_silent(speaker.place)] or speakers[-1:]


def _contradicted(
    source: Source, day: date, speakers: Sequence[Speaker], landings: Sequence[Walk], parsed: Mapping[int, Parsed]
) -> list[str]:
    """Sentences about landings that contradict themselves on a day; raises DataError for the newest one."""
    said = []
    for speaker in speakers:
        n = speaker.place
        if n in parsed and day in parsed[n].contradictions:
            problem = _contradiction(source, parsed[n].contradictions[day])
            if speaker is speakers[-1]:
                raise problem
            said.append(_left_out(source, landings[n], str(problem)))
    return said


def _left_out(source: Source, walk: Walk, problem: str) -> str:
    about = walk.event_date or "range"
    return f"{source.name} {about}: the landing of {walk.fetched_at} is left out: {problem}"


def _contradiction(source: Source, what: str) -> DataError:
    return DataError(
        what,
        got="two different rows with this key in one answer",
        want="one row per key",
        remedy=f"The data changed between two pages: `gogoku fetch {source.name} DATE --refetch`.",
    )
