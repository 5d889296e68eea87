"""A backfill that is killed again and again: `python -m tests.endurance.sigkill --kills 100 --seed 1`.

A worker process fetches a range of several sources in chunks of sessions and types them, by the functions the assets
call. Its parent kills it with SIGKILL at random moments and starts it again. After each kill every table must be
readable, hold each of its sessions wholly or not at all, and every landing must verify against its hash. A worker that
gets to the end before its kill closes a round: what it left must equal what an undisturbed run left, and the next round
begins with an empty store. A round with a difference is the last one. Ends with a summary line; exit code 1 if
anything differed.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import subprocess
import sys
import tempfile
import time as wall
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np

from gogoku_pipeline.core.clocks import VirtualClock
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import CommitInfo, Store, open_store
from gogoku_pipeline.store.raw_requests import RAW_REQUESTS
from gogoku_pipeline.tables.ledger import LEDGER, record, retype, untyped
from gogoku_pipeline.tables.typed import typed_sessions
from tests.endurance.premium_road import (
    BY_RANGE,
    CODE_VERSION,
    KEY,
    contents,
    fetched,
    morning_after,
)
from tests.endurance.wounds import Truth, wounds

SOURCES = (
    *("calendar", "topix", "investor_types", "listed_issues", "daily_bars", "breakdown"),
    *("statements", "dividends", "margin_alerts", "short_positions", "futures"),
)
ON_SESSIONS = ("daily_bars", "listed_issues", "topix", "breakdown")
"""Sources whose assets type the sessions of the run; the others catch up with their landings."""

N_SESSIONS, CHUNK = 36, 9
RATE_SCALE = 4_000
LONGEST_WORK_SECONDS, LONGEST_LAST_RUN = 3.0, 600.0
READY = "ready"
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Service:
    """What a worker asks, and about which sessions."""

    base: str
    clock: VirtualClock
    sessions: list[date]


def work(service: Service, folder: Path) -> None:
    """The work: chunk by chunk fetch, then type. What an earlier worker completed is found and not done again."""
    store, sessions = open_store(f"file://{folder}/data"), service.sessions
    done = finished(store)
    for first in range(0, len(sessions), CHUNK):
        chunk = sessions[first : first + CHUNK]
        left = [name for name in SOURCES if name not in BY_RANGE and not set(chunk) <= done[name]]
        ranges = [name for name in SOURCES if name in BY_RANGE and not done[name]]
        if left or ranges:
            asyncio.run(fetch_chunk(service, store, (left, chunk), ranges, folder))
        for name in (*ranges, *left):
            type_again(store, name, sessions if name in ranges else chunk, service.clock)
            done[name] |= set(chunk)
    for name in SOURCES:
        type_again(store, name, sessions, service.clock)


def finished(store: Store) -> dict[str, set[date]]:
    """The sessions of each source that were typed; what the event log of an orchestrator would know."""
    typed = store.tables.scan(LEDGER, ordered=False).select("source", "session").unique().collect()
    return {name: set(typed.filter(source=name)["session"]) for name in SOURCES}


async def fetch_chunk(
    service: Service, store: Store, asked: tuple[list[str], list[date]], ranges: list[str], lock_dir: Path
) -> None:
    """Some sources for a chunk of sessions, and range sources for all sessions."""
    names, chunk = asked
    async with JQuantsClient(service.base, KEY, plan="premium", clock=service.clock) as client:
        await fetched(client, store, names, chunk, run_id="work", bulk=True, lock_dir=lock_dir)
        await fetched(client, store, ranges, service.sessions, run_id="work", bulk=False, lock_dir=lock_dir)


def type_again(store: Store, name: str, chunk: list[date], clock: VirtualClock) -> None:
    """Type one source as its asset does."""
    if name not in ON_SESSIONS:
        retype(store, name, run_id="work", code_version=CODE_VERSION, clock=clock)
        return
    if wanted := sorted(set(chunk) & set(untyped(store, name))):
        typed = typed_sessions(store, name, wanted)
        commit = CommitInfo(run_id="work", code_version=CODE_VERSION)
        store.tables.write_sessions(TABLE_OF[name], typed.frame, wanted, commit=commit)
        record(store, typed, run_id="work", code_version=CODE_VERSION, clock=clock)


@dataclass
class Tally:
    """What happened so far."""

    kills: int = 0
    rounds: int = 0
    states: set[int] = field(default_factory=set)
    differences: list[str] = field(default_factory=list)


class Worker:
    """A worker process: its imports are done early, its work begins with `go`, and it is gone after `end`."""

    def __init__(self, service: Service) -> None:
        told = [service.base, service.clock.now().isoformat(), *(day.isoformat() for day in service.sessions)]
        arguments = [sys.executable, "-W", "ignore", "-m", "tests.endurance.sigkill", "--work", *told]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen(arguments, cwd=REPOSITORY, text=True, **pipes)

    def go(self, folder: Path) -> None:
        """Begin; raises RuntimeError if the process could not start."""
        told, asked = self._process.stdout, self._process.stdin
        assert told is not None and asked is not None
        if not select.select([told], [], [], 120)[0] or told.readline().strip() != READY:
            raise RuntimeError(f"the worker did not start: {self.end()}")
        asked.write(f"{folder}\n")
        asked.flush()

    def code(self, seconds: float) -> int | None:
        """Its exit code; None if it is still at work after that many seconds."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> str:
        """SIGKILL; returns the end of what it said on its error stream."""
        self._process.kill()
        said = self._process.communicate()[1]
        return said[-2000:]


def endure(kills: int, seed: int, folder: Path, say: Callable[[str], None]) -> Tally:
    """Kill a backfill that often, looking after every kill; then let it end, and compare."""
    market = generate_market(MarketConfig(n_issues=24, n_sessions=N_SESSIONS))
    clock = morning_after(market.sessions[-1], rate_scale=RATE_SCALE)
    rng, tally = np.random.default_rng(seed), Tally()
    with run_simulator_thread(market, clock) as server:
        service = Service(server.base_url, clock, market.sessions)
        calm = folder / "calm"
        work(service, calm)
        truth = Truth.of(open_store(f"file://{calm}/data"), SOURCES)
        media = open_store(f"file://{calm}/data").tables.scan(RAW_REQUESTS, ordered=False)
        landed = dict(media.group_by("media").len().collect().iter_rows())
        whole = sum(len(held) for held in truth.sessions.values())
        say(f"undisturbed: {whole} sessions of {len(SOURCES)} tables from {landed}")
        while (tally.kills < kills or tally.rounds == 0) and not tally.differences:
            one_round(kills, rng, folder / f"round-{tally.rounds}", (service, truth), tally, say)
            tally.rounds += 1
    return tally


def one_round(
    kills: int,
    rng: np.random.Generator,
    torn: Path,
    known: tuple[Service, Truth],
    tally: Tally,
    say: Callable[[str], None],
) -> None:
    """Kill until a worker ends by itself (the last one is spared); then compare with the undisturbed run."""
    service, truth = known
    url, whole = f"file://{torn}/data", sum(len(held) for held in truth.sessions.values())
    spare, is_over = Worker(service), False
    while not is_over:
        active, is_spared = spare, tally.kills >= kills
        seconds = LONGEST_LAST_RUN if is_spared else float(rng.uniform(0.1, LONGEST_WORK_SECONDS))
        active.go(torn)
        code = active.code(seconds)
        said = active.end()
        is_over = code is not None or is_spared
        if code or (code is None and is_spared):
            tally.differences.append(f"round {tally.rounds}: a worker ended with {code}: {said}")
        if is_over:
            break
        tally.kills += 1
        spare = Worker(service)
        found, there = wounds(open_store(url, probe=False), truth)
        tally.differences += [f"kill {tally.kills}: {words}" for words in found]
        tally.states.add(there)
        state = "whole" if not found else "; ".join(found[:3])
        say(f"kill {tally.kills:3} after {seconds:4.2f} s of work, round {tally.rounds}: {there}/{whole} {state}")
    left = open_store(url, probe=False)
    tally.differences += [f"end of round {tally.rounds}: {words}" for words in wounds(left, truth)[0]]
    ended = contents(left, SOURCES)
    differing = [name for name, what in truth.whole.items() if ended[name] != what]
    tally.differences += [f"end of round {tally.rounds}: {name} differs" for name in differing]
    say(f"round {tally.rounds} ended: {len(ended) - len(differing)} of {len(ended)} tables equal")


def main() -> int:
    """The command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.work:
        base, now, *days = given.work
        print(READY, flush=True)
        if not (folder := sys.stdin.readline().strip()):
            return 0  # whoever started it is gone
        clock = VirtualClock(datetime.fromisoformat(now), rate_scale=RATE_SCALE)
        work(Service(base, clock, [date.fromisoformat(day) for day in days]), Path(folder))
        return 0
    began = wall.monotonic()
    with tempfile.TemporaryDirectory() as place:
        tally = endure(given.kills, given.seed, Path(place), lambda words: print(words, flush=True))
    for words in tally.differences:
        print(words)
    print(
        f"{tally.kills} kills in {tally.rounds} rounds, {len(tally.differences)} differences, "
        f"{len(tally.states)} different states seen, {wall.monotonic() - began:.0f} s"
    )
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
