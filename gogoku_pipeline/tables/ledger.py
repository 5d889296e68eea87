"""What was typed from which landings, session by session: what must be typed again is known without typing it.

The ledger also holds the account of every raw row, so that a check compares counts instead of typing once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import Clock, RealClock
from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import CommitInfo, Store
from gogoku_pipeline.tables.corrections import CORRECTIONS, unseen_corrections
from gogoku_pipeline.tables.counting import SWITCHED_OFF, landings_hash
from gogoku_pipeline.tables.landings import is_switched_off
from gogoku_pipeline.tables.rejects import REJECTS, Conservation, Typed, unseen_rejects
from gogoku_pipeline.tables.typed import landed_by_session, landed_days, source_and_table, typed_sessions, typed_whole
from gogoku_pipeline.tables.words import answers

SESSIONS_PER_COMMIT = 125
"""How many sessions are typed and written at once: the memory of a long history is that of half a year."""

_NUMBERS = ("raw_rows", "table_rows", "rejected", "duplicates", "carried", "early", "superseded")
_WORDS = {
    "raw_rows": "Rows of the newest landing of each of its event days.",
    "table_rows": "Rows of the table.",
    "rejected": "Rows quarantined.",
    "duplicates": "Identical repetitions left out.",
    "carried": "Rows of the table that only an earlier landing has.",
    "early": "Rows that were not final when they were fetched.",
    "superseded": "Versions of rows that later landings replaced.",
}

LEDGER = Table(
    name="core__typed",
    description=(
        "One typing of one session of one source. Append-only; the newest row of a session counts. A session whose "
        "landings have another hash than its newest row must be typed again."
    ),
    columns=(
        Column("source", pl.String, "Our name of the endpoint."),
        Column("session", pl.Date, "Session; for a whole table without sessions the day of its newest fetch."),
        Column("landings_hash", pl.String, "What was landed for it; empty for nothing."),
        *(Column(name, pl.Int64, _WORDS[name], "rows", at_least=0) for name in _NUMBERS),
        Column("typed_at", JST_INSTANT, "Instant of the typing."),
        Column("run_id", pl.String, "Run that typed it."),
        Column("code_version", pl.String, "Version of the code that typed it."),
    ),
    key=("source", "session", "typed_at"),
    partitioned=False,
)


@dataclass(frozen=True)
class Retyped:
    """What typing again wrote.

    Attributes:
        sessions: the sessions written (for a table without sessions the day of its newest fetch).
        rows: rows written.
        rejected: rows quarantined.
        corrections: versions that were superseded.
        warnings: sentences a person should read.
    """

    sessions: tuple[date, ...]
    rows: int
    rejected: int
    corrections: int
    warnings: tuple[str, ...]


def record(
    store: Store,
    typed: Typed,
    *,
    run_id: str,
    code_version: str,
    clock: Clock | None = None,
) -> None:
    """Keep what a typing found besides rows: rejects, superseded versions (unseen ones only) and the ledger.

    Args:
        store: where they are kept.
        typed: the typing, after its rows were written.
        run_id: noted with every row.
        code_version: noted with every commit and ledger row.
        clock: the instant of the typing; None for the machine's own.
    """
    commit = CommitInfo(run_id=run_id, code_version=code_version)
    if typed.rejects.height:
        kept = store.tables.scan(REJECTS, ordered=False).filter(
            pl.col("source").is_in(typed.rejects["source"].unique().implode())
        )
        if (fresh := unseen_rejects(typed.rejects, kept.collect())).height:
            store.tables.append(REJECTS, fresh, commit=commit)
    if typed.superseded.height:
        names = typed.superseded["table"].unique().implode()
        known = store.tables.scan(CORRECTIONS, ordered=False).filter(pl.col("table").is_in(names)).collect()
        if (fresh := unseen_corrections(typed.superseded, known)).height:
            store.tables.append(CORRECTIONS, fresh.with_columns(pl.lit(run_id).alias("run_id")), commit=commit)
    if typed.counts:
        store.tables.append(LEDGER, _entries(typed, (clock or RealClock()).now(), commit), commit=commit)


def newest_entries(store: Store, source: str) -> pl.DataFrame:
    """The newest ledger row of each session of a source."""
    rows = store.tables.scan(LEDGER, ordered=False).filter(pl.col("source") == source)
    return rows.sort("session", "typed_at").group_by("session", maintain_order=True).last().collect()


def counts_of(store: Store, source: str, sessions: Sequence[date]) -> tuple[Conservation, ...]:
    """Where the raw rows of these sessions went, as the newest typing counted; raises PartitionMissingError."""
    wanted = sorted(set(sessions))
    entries = {row["session"]: row for row in newest_entries(store, source).iter_rows(named=True)}
    if absent := [session for session in wanted if session not in entries]:
        raise PartitionMissingError(
            f"ledger of {source}",
            got=f"no entry for {len(absent)} sessions, first {absent[0]}",
            want="one for every session asked for",
            remedy=f"Materialise core_jquants__{source} for them first.",
        )
    names = ("source", "session", *_NUMBERS, "landings_hash")
    return tuple(Conservation(**{name: entries[session][name] for name in names}) for session in wanted)


def landing_hashes(store: Store, source: str, sessions: Sequence[date]) -> dict[date, str]:
    """What was landed for these sessions of a source asked by day: one hash each, empty for nothing."""
    declared, table = source_and_table(source)
    days, by_day = landed_days(store, declared, table, sessions)
    said = answers(by_day)
    return {session: landings_hash({day: said[day] for day in days[session]}) for session in sessions}


def untyped(store: Store, source: str) -> list[date]:
    """The sessions that can be typed and whose landings differ from what was typed last, in order."""
    declared, _ = source_and_table(source)
    if declared.axis != "day":
        return _changed(store, source, _landed_as_a_whole(typed_whole(store, source)))
    return _changed(store, source, _landed_by_day(source, store.raw.requests(source)))


def _landed_as_a_whole(typed: Typed) -> dict[date, str]:
    return {count.session: count.landings_hash for count in typed.counts}


def _landed_by_day(source: str, requests: pl.DataFrame) -> dict[date, str]:
    landed = landed_by_session(source, requests)
    return {session: landings_hash(answers(by_day)) for session, by_day in landed.items()}


def _changed(store: Store, source: str, landed: Mapping[date, str]) -> list[date]:
    """Those sessions whose landings have another hash than the ledger says, in order."""
    typed = dict(newest_entries(store, source).select("session", "landings_hash").iter_rows())
    if not source_and_table(source)[1].partitioned:
        known = set(typed.values())
        return [session for session, what in landed.items() if what not in known]
    return sorted(session for session, what in landed.items() if typed.get(session) != what)


def retype(store: Store, source: str, *, run_id: str, code_version: str, clock: Clock | None = None) -> Retyped:
    """Type and write every session whose landings changed since the ledger, a bounded number per commit.

    Args:
        store: landings and tables.
        source: our name of the source.
        run_id: noted with every commit.
        code_version: noted with every commit.
        clock: the instant of the typing; None for the machine's own.

    Raises:
        As `typed_sessions`; sessions written before stay written.
    """
    declared, table = source_and_table(source)
    commit = CommitInfo(run_id=run_id, code_version=code_version)
    requests = store.raw.requests(source)
    is_off = is_switched_off(requests)
    whole = None if is_off or declared.axis == "day" else typed_whole(store, source)
    landed = {} if is_off else _landed_by_day(source, requests) if whole is None else _landed_as_a_whole(whole)
    wanted = _changed(store, source, landed)
    if not store.tables.exists(table):
        store.tables.write_whole(table, table.empty(), commit=commit)
    parts: list[Typed] = []
    step = SESSIONS_PER_COMMIT if declared.axis == "day" else max(len(wanted), 1)
    for first in range(0, len(wanted), step):
        chosen = wanted[first : first + step]
        typed = typed_sessions(store, source, chosen) if whole is None else _of(whole, chosen)
        if table.partitioned:
            store.tables.write_sessions(table, typed.frame, chosen, commit=commit)
        else:
            store.tables.write_whole(table, typed.frame, commit=commit)
        record(store, typed, run_id=run_id, code_version=code_version, clock=clock)
        parts.append(_account(typed))
    counts = [count for part in parts for count in part.counts]
    said = [SWITCHED_OFF.format(source)] if is_off else []
    return Retyped(
        sessions=tuple(wanted),
        rows=sum(count.table_rows for count in counts),
        rejected=sum(count.rejected for count in counts),
        corrections=sum(count.superseded for count in counts),
        warnings=tuple(dict.fromkeys([*said, *(words for part in parts for words in part.warnings)])),
    )


def _of(typed: Typed, sessions: list[date]) -> Typed:
    """The part of a whole typing that belongs to some sessions; a table without sessions stays whole."""
    if "session" not in typed.frame.columns or len(sessions) == len(typed.counts):
        return typed
    chosen = pl.Series(sessions, dtype=pl.Date).implode()
    return Typed(
        typed.frame.filter(pl.col("session").is_in(chosen)),
        typed.rejects,
        tuple(count for count in typed.counts if count.session in set(sessions)),
        typed.warnings,
        typed.superseded.filter(pl.col("session").is_in(chosen)),
    )


def _account(typed: Typed) -> Typed:
    """The typing without its rows, which are written and need no memory any more."""
    return Typed(typed.frame.clear(), typed.rejects.clear(), typed.counts, typed.warnings)


def _entries(typed: Typed, at: datetime, commit: CommitInfo) -> pl.DataFrame:
    names = ("source", "session", "landings_hash", *_NUMBERS)
    rows = [{name: getattr(count, name) for name in names} for count in typed.counts]
    noted = {"typed_at": at, "run_id": commit.run_id, "code_version": commit.code_version}
    return pl.DataFrame([row | noted for row in rows], schema=LEDGER.polars_schema)
