"""What a long history costs an evening: the index of requests and the ledger after one year and after ten.

Every source of the Premium plan was landed and typed day by day (the index and the ledger hold it, the bytes do not
matter). Asked are: noting one more page, reading a source's index, finding what must be typed again. CPU milliseconds,
medians of 5; ten times the history may cost ten times as much and no more. The last lines fetch and note a hundred
pages one by one: the log grows by a commit each, and the hundredth must not cost more than the tenth.

    python benchmarks/index_growth.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date

from full_size import at, market_sessions, remember

from gogoku_pipeline.store import RawPage, Store, open_store
from gogoku_pipeline.tables.ledger import untyped

SOURCES_ASKED = ("daily_bars", "statements", "margin_interest")


def cpu_ms(run: Callable[[], object], rounds: int = 5) -> float:
    spent = []
    for _ in range(rounds):
        before = time.process_time()
        run()
        spent.append(1e3 * (time.process_time() - before))
    return statistics.median(spent)


def note_a_page(store: Store, number: int, day: date) -> None:
    store.raw.land(
        RawPage(
            source="topix",
            params={"from": day.isoformat(), "to": day.isoformat()},
            event_date=None,
            payload=b'{"data":[]}',
            row_count=0,
            page_number=1,
            pagination_key_next=None,
            url="https://example.invalid",
            status=200,
            fetched_at=at(day, 19),
            field_names=(),
            fetch_id=f"{number:020d}",
            run_id="benchmark",
        )
    )
    store.raw.flush()


def main() -> None:
    sessions = market_sessions()
    told: dict[str, list[float]] = {}
    for years in (1, 10):
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(f"file://{folder}/store")
            remember(store, sessions[-250 * years :])
            told.setdefault("one more page", []).append(cpu_ms(lambda store=store: note_a_page(store, 0, sessions[-1])))
            for name in SOURCES_ASKED:
                if untyped(store, name):
                    raise SystemExit(f"{name}: the ledger does not know its landings; nothing was timed")
                told.setdefault(f"index of {name}", []).append(
                    cpu_ms(lambda store=store, name=name: store.raw.requests(name))
                )
                told.setdefault(f"untyped of {name}", []).append(
                    cpu_ms(lambda store=store, name=name: untyped(store, name))
                )
    print(f"{'CPU ms after':<28}{'1 year':>9}{'10 years':>10}{'ratio':>8}")
    for name, (one, ten) in told.items():
        print(f"{name:<28}{one:>9.1f}{ten:>10.1f}{ten / one:>8.1f}")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"file://{folder}/store")
        spent = [cpu_ms(lambda n=n: note_a_page(store, n, sessions[-1]), 1) for n in range(400)]
        for first in (0, 90, 190, 290, 390):
            middle = statistics.median(spent[first : first + 10])
            print(f"pages {first + 1:>3} .. {first + 10:<3} one commit each {middle:8.1f}")


if __name__ == "__main__":
    main()
