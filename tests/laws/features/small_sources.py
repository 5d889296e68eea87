"""Typed tables of every other source for the small market, by the simulator's books and the production typing.

The simulator's shares lend their documents, balances and positions to the small market's codes, one each; a code has
rows of its own listing only. Documents begin years before the first bar, daily ledgers shortly before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import gogoku_pipeline
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.simulator.bulk_csv import encode_csv
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.desk import ALL_BOOKS, Desk
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.simulator.rules import PLANS
from gogoku_pipeline.simulator.shelf import Shelf
from gogoku_pipeline.store import Store, open_store
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole
from gogoku_pipeline.tables.versions import publication_rule
from tests.unit.tables.raw_answers import land_answer, land_file

BEGINS = date(2017, 1, 4)
"""First session of the documents."""

LEDGER_SESSIONS = 40
"""Sessions before the small market's first one from which daily ledgers are held."""

LEDGERS = ("breakdown", "short_ratio", "indices", "futures", "index_options", "margin_alerts")


@dataclass(frozen=True)
class Library:
    """The simulator's answers about every day of a market, long after the last of them."""

    market: Market
    store: Store

    @cached_property
    def read_at(self) -> datetime:
        last = self.market.sessions[-1]
        return datetime(last.year, last.month, last.day, 23, tzinfo=JST) + timedelta(days=3)

    def table(self, name: str, sessions: Sequence[date]) -> pl.DataFrame:
        """Rows of a source: of these sessions, or everything where it is asked over a range."""
        return self.of_range(name) if SOURCES[name].axis == "range" else self.of_days(name, sessions)

    def of_days(self, name: str, sessions: Sequence[date]) -> pl.DataFrame:
        """A source asked by day, typed from one file with all its days."""
        book = next(book for book in ALL_BOOKS if book.path == SOURCES[name].path)
        shelf = Shelf(self.market, Corrections())
        rule = publication_rule(TABLE_OF[name])
        days = [day for session in sessions for day in rule.days_of(session)]
        rows = [shelf.day_rows(book, day, self.read_at, is_premium=True, is_live=False) for day in days]
        body = encode_csv(rows, [field.name for field in SOURCES[name].fields])
        land_file(self.store, name, (days[0], days[-1]), body, fetched_at=self.read_at)
        return typed_sessions(self.store, name, sessions).frame

    def of_range(self, name: str) -> pl.DataFrame:
        """A source asked over a range, typed from one answer."""
        corrections = Corrections()
        clock = VirtualClock(self.read_at)
        desk = Desk(self.market, clock, Shelf(self.market, corrections), corrections)
        rows = desk.answer(SOURCES[name].path, {}, PLANS["premium"]).rows.decoded()
        land_answer(self.store, name, None, rows, fetched_at=self.read_at)
        return typed_whole(self.store, name).frame


def other_sources(wanted: Sequence[str], spans: Mapping[str, tuple[date, date]], last: date) -> dict[str, pl.DataFrame]:
    """Tables by source name.

    Args:
        wanted: sources.
        spans: code to its first and last session; the earliest `first` is the market's own beginning.
        last: last session.
    """
    sessions = tse_calendar(BEGINS, last).sessions
    config = MarketConfig(n_issues=len(spans) + 12, n_sessions=len(sessions), start=BEGINS)
    first = min(begin for begin, _ in spans.values())
    recent = sessions[sessions.index(first) - LEDGER_SESSIONS :]
    market = generate_market(config)
    shares = [code for code, is_stock in zip(market.codes, market.listings.is_stock, strict=True) if is_stock]
    lent = dict(zip(shares, spans, strict=False))
    if len(lent) < len(spans):
        raise ValueError(f"{len(shares)} simulated shares for {len(spans)} codes")
    with TemporaryDirectory() as folder:
        library = Library(market, open_store(f"file://{folder}/data"))
        tables = {name: library.table(name, recent if name in LEDGERS else sessions) for name in wanted}
    return {name: _lent(frame, lent, spans, first) for name, frame in tables.items()}


def kept_sources(
    folder: Path, wanted: Sequence[str], spans: Mapping[str, tuple[date, date]], last: date
) -> dict[str, pl.DataFrame]:
    """`other_sources`, made once for as long as nothing they are made of changes: arguments and code are the name."""
    home = folder / sha256_json([sorted(wanted), spans, last.isoformat(), *_code()])[:16]
    if not home.is_dir():
        made = other_sources(wanted, spans, last)
        with TemporaryDirectory(dir=folder) as fresh:
            whole = Path(fresh) / "whole"
            whole.mkdir()
            for name, frame in made.items():
                frame.write_parquet(whole / f"{name}.parquet")
            with suppress(OSError):  # of two processes that made the same, the first one keeps its files
                whole.rename(home)
        return made
    return {name: pl.read_parquet(home / f"{name}.parquet") for name in wanted}


def _code() -> list[str]:
    """Text of everything that decides the rows."""
    rooms = ("core", "schema", "simulator", "store", "tables")
    files = [path for room in rooms for path in sorted((Path(gogoku_pipeline.__file__).parent / room).rglob("*.py"))]
    return [path.read_text() for path in (*files, Path(__file__))]


def _lent(
    frame: pl.DataFrame, lent: Mapping[str, str], spans: Mapping[str, tuple[date, date]], first: date
) -> pl.DataFrame:
    """Rows under the small market's codes, of a code's own listing; codes that were there first keep their past."""
    if "code" not in frame.columns:
        return frame
    begins = {code: BEGINS if begin == first else begin for code, (begin, _) in spans.items()}
    ends = {code: end for code, (_, end) in spans.items()}
    own = frame.filter(pl.col("code").is_in(list(lent))).with_columns(pl.col("code").replace_strict(lent))
    return own.filter(
        pl.col("session").is_between(
            pl.col("code").replace_strict(begins, return_dtype=pl.Date),
            pl.col("code").replace_strict(ends, return_dtype=pl.Date),
        )
    )
