"""Using a key: alone, and at the pace at which the process before stopped.

The service counts per key and minute and knows nothing of processes. So a fetch first takes over where the last one
stood (a small file beside the lock), and leaves its own place behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from gogoku_pipeline.ingest.key_lock import exclusive_key
from gogoku_pipeline.jquants import JQuantsClient, Pace


@contextmanager
def key_in_use(client: JQuantsClient, lock_dir: Path | None) -> Iterator[None]:
    """Hold the client's key while the block runs; None means the caller sees to it.

    Raises:
        ConfigError: another process (or another fetch of this one) holds it.
    """
    client.restart_report()
    if lock_dir is None:
        yield
        return
    with exclusive_key(lock_dir, client.key_fingerprint):
        memory = lock_dir / f"jquants-{client.key_fingerprint}.pace.json"
        if (pace := _read(memory)) is not None:
            client.limiter.take_over(pace)
        try:
            yield
        finally:
            memory.write_text(json.dumps(asdict(client.limiter.pace()), allow_nan=True))


def _read(memory: Path) -> Pace | None:
    """The pace left behind; a file that is missing or half-written (a killed process) says nothing."""
    try:
        kept = json.loads(memory.read_text())
        return Pace(float(kept["next_at"]), float(kept["open_at"]), int(kept["rejected_in_a_row"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
