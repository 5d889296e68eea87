"""The real thing: webserver and daemon processes, a backfill by GraphQL, a bad day, one alert delivered."""

import http.server
import json
import threading
import time
from contextlib import contextmanager
from datetime import date

import pytest

from gogoku_pipeline.core.clocks import RealClock
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.simulator.bulk_faults import SIGNING, SignedElsewhere
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import DroppedRows, FaultPlan, When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from tests.flow.served_house import folder_in_memory, serving, wait

pytestmark = pytest.mark.slow

SESSIONS, PER_RUN, BAD = 60, 25, 60
ROAD = [
    "raw_jquants__topix",
    "core_jquants__topix",
    "raw_jquants__daily_bars",
    "raw_jquants__listed_issues",
    "core_jquants__daily_bars",
    "core_jquants__listed_issues",
    "core__universe",
    "feat__prices",
]
CALENDAR = ("raw_jquants__calendar", "core_jquants__calendar")
"""Read by every family of prices, and without sessions: filled before the backfill."""

LOCATION = """
from datetime import date
from gogoku.definitions import build_definitions
from gogoku.deployment import deployment
from gogoku_pipeline.tables.universe import UniverseConfig
from resources.compute import Compute

place = deployment()
defs = build_definitions(
    settings=place.settings,
    compute=Compute(
        cache_dir=place.settings.cache_dir,
        first_session=place.settings.start_date,
        universe=UniverseConfig(min_listed_sessions=5),
        partitions_per_run={per_run},
        is_simulated=True,
    ),
)
"""


class Inbox(http.server.BaseHTTPRequestHandler):
    """A webhook receiver."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body)["text"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@contextmanager
def webhook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
    server.received = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig.preset("tiny"))


@pytest.fixture
def bench(market, tmp_path):
    bad = market.sessions[BAD]
    # The months are over, so their files would hold the dropped rows: untrusted hosts send every day to its pages.
    no_files = SignedElsewhere(When(path=SIGNING, times=None))
    faults = FaultPlan(no_files, DroppedRows(When(path="/equities/bars/daily", day=bad), n_rows=8))
    with (
        folder_in_memory(tmp_path) as folder,
        run_simulator_thread(market, RealClock(), faults=faults) as server,
        webhook() as inbox,
    ):
        environment = {
            "GOGOKU_API_URL": server.base_url,
            "GOGOKU_PLAN": "premium",
            "GOGOKU_START_DATE": market.sessions[0].isoformat(),
            "GOGOKU_ALERT_WEBHOOK_URL": f"http://127.0.0.1:{inbox.server_port}/hook",
            "JQUANTS_API_KEY": "simulator-premium-key",
        }
        with serving(folder, LOCATION.format(per_run=PER_RUN), environment) as made:
            wait((folder / "cache" / "heartbeat.json").exists, 600, "the alert sensor's first tick")
            yield made, open_store(f"file://{folder / 'data'}", probe=False), inbox


def test_a_backfill_fills_sixty_sessions_in_bounded_runs_and_a_bad_day_alerts_once(bench, market):
    served, store, inbox = bench
    keys = [session.isoformat() for session in market.sessions[: SESSIONS + 1]]
    served.materialise(*CALENDAR)
    good = served.backfill(ROAD, keys[:SESSIONS])
    ended = served.finished(good, 1800)
    assert ended == "COMPLETED_SUCCESS", "\n".join(served.failures(good))
    runs = served.runs(good)
    assert len(runs) >= SESSIONS // PER_RUN + 1
    table = family_table("feat__prices")
    assert store.tables.sessions(table) == [date.fromisoformat(key) for key in keys[:SESSIONS]]
    assert inbox.received == []

    bad = served.backfill(ROAD, keys[BAD : BAD + 1])
    assert served.finished(bad, 900) in {"COMPLETED_FAILED", "FAILED"}
    assert keys[BAD] not in [str(session) for session in store.tables.sessions(table)]
    wait(lambda: inbox.received, 600, "the alert")
    time.sleep(65)  # two more ticks of the sensor
    (text,) = inbox.received
    assert "coverage" in text
    assert f"core_jquants__daily_bars {keys[BAD]}" in text
    assert "simulator-premium-key" not in text
