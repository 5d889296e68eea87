"""A real PostgreSQL in a scratch folder, for one test run. Needs Debian's postgresql (`tests/servers/install.sh`)."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tests.servers.free_ports import free_port, stop, wait_until_listening


def binaries():
    """The newest installed version's programs, None without one; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


def is_installed():
    """Whether this machine has the server."""
    return binaries() is not None


@contextmanager
def postgres():
    """Yields a URL of a running server with an empty database; its process is gone afterwards."""
    home, port, programs = Path(tempfile.mkdtemp(prefix="pg")), free_port(), binaries()
    data = home / "data"
    data.mkdir()
    secret = home / "password"
    secret.write_text("testsecret")
    if os.geteuid() == 0:
        for path in (home, data, secret):
            shutil.chown(path, "postgres", "postgres")
    try:
        run(programs / "initdb", "-D", data, "-U", "gogoku", "-A", "scram-sha-256", f"--pwfile={secret}", "-N")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
        run(programs / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start")
        wait_until_listening(port)
        yield f"postgresql://gogoku:testsecret@127.0.0.1:{port}/postgres"
    finally:
        pid = data / "postmaster.pid"
        if pid.exists():
            stop(int(pid.read_text().splitlines()[0]), signals=(2, 3, 9))
        shutil.rmtree(home, ignore_errors=True)


def run(*command):
    """Run a program as the user `postgres` when we are root, which the server refuses."""
    dropped = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups") if os.geteuid() == 0 else ()
    done = subprocess.run(
        [*dropped, *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        cwd="/",
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.strip()[-400:]}")
