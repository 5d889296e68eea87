"""Using a key: alone, and at the pace at which the process before stopped.

The service counts per key and minute and knows nothing of processes. So a fetch first takes over where the last one
stood (a small file beside the lock, one place per budget), and leaves its own place behind.
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
        if memory.exists():
            client.resume_pace(_read(memory))
        memory.write_text("{}")  # stays if this process is killed: the next one then waits a turn
        try:
            yield
        finally:
            memory.write_text(json.dumps({budget: asdict(pace) for budget, pace in client.pace().items()}))


def _read(memory: Path) -> dict[str, Pace]:
    """The paces left behind, by budget; a file that is half-written (a killed process) says nothing."""
    try:
        kept = json.loads(memory.read_text())
        return {
            budget: Pace(float(pace["next_at"]), float(pace["open_at"]), int(pace["rejected_in_a_row"]))
            for budget, pace in kept.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
