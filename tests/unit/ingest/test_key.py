"""The key: wrong, too weak, in use elsewhere, and never written down."""

import subprocess
import sys
from datetime import date

import pytest

from gogoku_pipeline.core.errors import (
    ConfigError,
    CredentialsError,
)
from gogoku_pipeline.ingest import exclusive_key
from gogoku_pipeline.simulator.faults import (
    ServerFailure,
    TooManyRequests,
    When,
)
from tests.unit.ingest.fetching import bars


def test_a_wrong_key_stops_everything_at_once(evening):
    with evening() as e:
        with pytest.raises(CredentialsError, match="JQUANTS_API_KEY"):
            e.run(bars(e.store, e.market.sessions), key="wrong-canary", plan="free")
        assert len(e.calls()) <= 2
        assert e.store.raw.requests("daily_bars").is_empty()


def test_a_key_serves_one_fetch_at_a_time(evening, tmp_path):
    with evening() as e:

        async def fingerprint(client):
            return client.key_fingerprint

        name = e.run(fingerprint, plan="premium")
        locks = tmp_path / "locks"
        with exclusive_key(locks, name), pytest.raises(ConfigError, match="in use by process .*one fetch at a time"):
            e.run(bars(e.store, e.market.sessions[:1], lock_dir=locks))
        assert e.run(bars(e.store, e.market.sessions[:1], lock_dir=locks)).fetched_pages == 1
        assert "simulator-premium-key" not in "".join(path.name + path.read_text() for path in locks.iterdir())


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from gogoku_pipeline.ingest import exclusive_key\n"
        "with exclusive_key(Path(sys.argv[1]), 'abc'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"process {other.pid}"), exclusive_key(tmp_path, "abc"):
            pass
        with exclusive_key(tmp_path, "another key"):
            pass
        other.kill()
        other.wait()
    with exclusive_key(tmp_path, "abc"):
        pass


def test_the_key_is_in_no_index_row_no_object_and_no_log(evening, tmp_path, caplog):
    caplog.set_level("DEBUG")
    key = "canary-77a1-key"
    with evening(ServerFailure(When(times=2)), TooManyRequests(When(times=1)), api_keys={key: "light"}) as e:
        e.run(bars(e.store, [date(2010, 1, 4), *e.market.sessions[:4]]), key=key)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert key.encode() not in kept
    assert key not in str(e.store.raw.requests("daily_bars").rows())
    assert key not in caplog.text


def test_fetches_one_after_the_other_keep_the_rate_of_one(evening, tmp_path):
    with evening() as e:
        for day in e.market.sessions[:8]:
            e.run(bars(e.store, [day], lock_dir=tmp_path / "locks"), key="simulator-free-key", plan="free")
        assert [request.status for request in e.calls()] == [200] * 8
    (tmp_path / "locks").joinpath(next((tmp_path / "locks").glob("*.json")).name).write_text('{"next_at"')
    with evening() as e:
        assert e.run(bars(e.store, e.market.sessions[8:9], lock_dir=tmp_path / "locks")).fetched_pages == 1
