"""One process per key: the rate is counted per key, so two processes would drive each other into the block."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gogoku_pipeline.core.errors import ConfigError


@contextmanager
def exclusive_key(directory: Path, key_fingerprint: str) -> Iterator[None]:
    """Hold the key while the block runs. The lock belongs to the open file: it is freed even if the process is killed.

    Args:
        directory: a folder shared by the processes of this machine, e.g. the cache folder.
        key_fingerprint: `JQuantsClient.key_fingerprint`.

    Raises:
        ConfigError: another process (or another fetch of this one) holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"jquants-{key_fingerprint}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise ConfigError(
                "the J-Quants key",
                got=f"in use by {holder}",
                want="one fetch at a time, because the service counts requests per key",
                remedy="Wait until it has finished, or stop it.",
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield
