"""The rows in force as a table, and the account of every raw row by session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.derived import with_derived
from gogoku_pipeline.tables.parsing import COUNTS
from gogoku_pipeline.tables.rejects import REJECTS, Conservation, Typed
from gogoku_pipeline.tables.versions import InForce
from gogoku_pipeline.tables.words import Words, standing

SWITCHED_OFF = "{}: not in the plan, switched off"
"""What is said of a source that the plan lacks."""


def summed_up(source: Source, table: Table, words: Words, days: Mapping[date, Sequence[date]]) -> Typed:
    """The typed table and where every raw row of its sessions went.

    Args:
        source: what was landed.
        table: what is made of it.
        words: what the landings say.
        days: the event days of each session wanted.
    """
    found = standing(source, table, words)
    counts = _counts(source, words, days, found)
    superseded = found.superseded if found.superseded.width else CORRECTIONS.empty()
    frame = _declared(table, found.frame) if found.frame.width else table.empty()
    return Typed(frame, _rejects(source, words), counts, words.warnings, superseded)


def landings_hash(said: Mapping[date, Sequence[tuple[str, datetime]]]) -> str:
    """What was landed about some days, as one hash: each day's answers and their fetches in order; "" for nothing."""
    told = [[str(day), [[what, str(at)] for what, at in said[day]]] for day in sorted(said) if said[day]]
    return sha256_json(told) if told else ""


def nothing(source: Source, session: date) -> Conservation:
    """The account of a session of which nothing was landed."""
    return Conservation(source.name, session, 0, 0, 0, 0)


def switched_off(source: Source, table: Table, sessions: Sequence[date]) -> Typed:
    """An empty table with a warning: the plan lacks the source."""
    counts = tuple(nothing(source, session) for session in sessions)
    return Typed(table.empty(), REJECTS.empty(), counts, (SWITCHED_OFF.format(source.name),))


def not_published(source: Source, table: Table) -> Typed:
    """An empty table with a warning: a source that tells only the present had nothing to say whenever it was asked."""
    return Typed(table.empty(), REJECTS.empty(), (), (f"{source.name}: had nothing published whenever it was asked",))


def require(source: Source, absent: Sequence[date]) -> None:
    """Raise PartitionMissingError for sessions that were not landed."""
    if absent:
        shown = ", ".join(day.isoformat() for day in absent[:5]) + (" ..." if len(absent) > 5 else "")
        raise missing(
            source, f"no complete landing for {len(absent)} sessions: {shown}", "one fetched after publication"
        )


def missing(source: Source, got: str, want: str) -> PartitionMissingError:
    """What to say about landings that are not there."""
    return PartitionMissingError(
        f"raw landings of {source.name}",
        got=got,
        want=want,
        remedy=f"Materialise raw_jquants__{source.name} for them first.",
    )


def _declared(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    complete = with_derived(table, frame)
    return complete.select(table.polars_schema.names()).cast(table.polars_schema).sort(table.key)


def _newest(words: Words, days: Mapping[date, Sequence[date]]) -> pl.DataFrame:
    """(session, event day, landing in force for it)."""
    rows = [(s, day, words.newest(day)) for s, several in days.items() for day in several if day in words.by_day]
    return pl.DataFrame(rows, schema={"__of": pl.Date, "__day": pl.Date, "__landing": pl.Int64}, orient="row")


def _counts(
    source: Source, words: Words, days: Mapping[date, Sequence[date]], found: InForce
) -> tuple[Conservation, ...]:
    newest = _newest(words, days)
    seen = [found.counts.with_columns(pl.lit(n, pl.Int64).alias("__landing")) for n, found in words.parsed.items()]
    empty = pl.DataFrame(schema={**COUNTS, "__landing": pl.Int64})
    raw = newest.join(pl.concat([empty, *seen]), on=["__day", "__landing"])
    sums = raw.group_by("__of").agg(pl.col("raw_rows", "rejected", "duplicates", "early").sum())
    account = {row.pop("__of"): row for row in sums.to_dicts()}
    kept = _kept(newest, found.frame)
    replaced = _by_session(found.superseded, list(days))
    blank = {"raw_rows": 0, "rejected": 0, "duplicates": 0, "early": 0}
    return tuple(
        Conservation(
            source=source.name,
            session=session,
            **(account.get(session) or blank),
            **kept.get(session, {"table_rows": 0, "carried": 0}),
            superseded=replaced.get(session, 0),
            landings_hash=landings_hash({day: words.said.get(day, ()) for day in several}),
        )
        for session, several in days.items()
    )


def _kept(newest: pl.DataFrame, frame: pl.DataFrame) -> dict[date, dict[str, int]]:
    """Rows in force of each session, and how many of them the newest landing lacks."""
    if not frame.width:
        return {}
    rows = frame.group_by("__day", "__landing").agg(pl.len().alias("n"))
    placed = rows.join(newest.rename({"__landing": "__newest"}), on="__day")
    older = pl.col("n").filter(pl.col("__landing") != pl.col("__newest")).sum()
    sums = placed.group_by("__of").agg(pl.col("n").sum().alias("table_rows"), older.alias("carried"))
    return {row.pop("__of"): row for row in sums.to_dicts()}


def _by_session(superseded: pl.DataFrame, sessions: Sequence[date]) -> dict[date, int]:
    if not superseded.width or superseded.is_empty():
        return {}
    if len(sessions) == 1:
        return {sessions[0]: superseded.height}
    return dict(superseded.group_by("session").agg(pl.len()).iter_rows())


def _rejects(source: Source, words: Words) -> pl.DataFrame:
    """What the landings in force could not say; of range calls what any of them could not."""
    frames = []
    for n, parsed in words.parsed.items():
        rejects = parsed.rejects
        if source.axis == "day" and rejects.height:
            mine = [day for day in words.by_day if words.newest(day) == n]
            rejects = rejects.filter(pl.col("__day").is_in(pl.Series(mine, dtype=pl.Date).implode()))
        frames.append(rejects.drop("__day"))
    return pl.concat([REJECTS.empty(), *frames]).sort(REJECTS.key)
