"""Ports of this machine nobody listens on, and processes that are confirmed gone."""

import os
import socket
import time
from pathlib import Path


def free_port():
    """A free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def free_pair():
    """Two free ports in a row; the first is returned."""
    for _ in range(100):
        first = free_port()
        with socket.socket() as second:
            if first < 65535 and second.connect_ex(("127.0.0.1", first + 1)) != 0:
                return first
    raise RuntimeError("no two free ports in a row")


def is_listening(port):
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_listening(port, seconds=60.0):
    """Until a server is up; raises TimeoutError."""
    limit = time.monotonic() + seconds
    while not is_listening(port):
        if time.monotonic() > limit:
            raise TimeoutError(f"nothing listens on port {port} after {seconds:.0f} s")
        time.sleep(0.1)


def is_alive(pid):
    """Whether a process exists and is no zombie."""
    try:
        with Path(f"/proc/{pid}/stat").open() as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def stop(pid, signals=(15, 9), seconds=10.0):
    """End a process by its id and see that it is gone; raises TimeoutError if it outlives SIGKILL."""
    for signal in signals:
        if not is_alive(pid):
            return
        os.kill(pid, signal)
        limit = time.monotonic() + seconds
        while is_alive(pid) and time.monotonic() < limit:
            time.sleep(0.05)
    if is_alive(pid):
        raise TimeoutError(f"process {pid} does not end")
