"""A real S3 server: Ceph's gateway with its monitor and one in-memory store, in a scratch folder, for one test run.

Signatures, presigned expiry, ranges, multipart and create-only writes are Ceph's own. Needs the Debian packages
radosgw, ceph-mon and ceph-osd (`tests/servers/install.sh`).
"""

import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

from tests.servers.free_ports import free_pair, free_port, stop, wait_until_listening

KEY, SECRET = "testkey", "testsecret"
DAEMONS = ("client.admin", "osd.0", "mon.a")

CONF = """[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon},v1:127.0.0.1:{mon_old}]
public addr = 127.0.0.1
keyring = {home}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
osd data = {home}/osd
mon data = {home}/mon
run dir = {home}
log file = {home}/$name.log
admin socket = {home}/$name.asok
pid file = {home}/$name.pid
ms bind ipv6 = false
[client.admin]
rgw data = {home}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw thread pool size = 64
"""


def is_installed():
    """Whether this machine has the gateway."""
    return all(shutil.which(name) for name in ("radosgw", "ceph-mon", "ceph-osd", "radosgw-admin"))


@contextmanager
def ceph_gateway():
    """Yields the endpoint of a running gateway; its processes are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="rgw"))  # short: the path of a UNIX socket has 107 characters
    port, mon = free_port(), free_pair()
    try:
        start(home, port, mon)
        wait_until_listening(port, 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        for name in DAEMONS:
            pid = home / f"{name}.pid"
            if pid.exists() and pid.read_text().strip():
                stop(int(pid.read_text()))
        shutil.rmtree(home, ignore_errors=True)


def start(home, port, mon):
    """Monitor, store, user, gateway: each daemon leaves its process id in the folder."""
    for name in ("mon", "osd", "rgw"):
        (home / name).mkdir()
    fsid = str(uuid.uuid4())
    (home / "ceph.conf").write_text(CONF.format(fsid=fsid, mon=mon, mon_old=mon + 1, home=home, port=port))
    keys, chart, conf = str(home / "keyring"), str(home / "monmap"), ("-c", str(home / "ceph.conf"))
    everything = [part for kind in ("mon", "osd", "mgr", "mds") for part in ("--cap", kind, "allow *")]
    said("ceph-authtool", "-C", keys, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    said("ceph-authtool", keys, "--gen-key", "-n", "client.admin", *everything)
    addresses = f"[v2:127.0.0.1:{mon},v1:127.0.0.1:{mon + 1}]"
    said("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", addresses, chart)
    said("ceph-mon", *conf, "--mkfs", "-i", "a", "--monmap", chart, "-k", keys)
    said("ceph-mon", *conf, "-i", "a")
    name = str(uuid.uuid4())
    number = said("ceph", *conf, "osd", "new", name)
    key = said("ceph", *conf, "auth", "get-or-create", f"osd.{number}", "mon", "allow profile osd", "osd", "allow *")
    with Path(keys).open("a") as file:
        file.write(key + "\n")
    said("ceph-osd", *conf, "-i", number, "--mkfs", "--osd-uuid", name)
    said("ceph-osd", *conf, "-i", number)
    said("ceph", *conf, "osd", "crush", "add", f"osd.{number}", "1.0", "root=default", "host=h")
    user = ("--uid=t", "--display-name=t", f"--access-key={KEY}", f"--secret={SECRET}")
    said("radosgw-admin", *conf, "user", "create", *user)
    said("radosgw", *conf, "-n", "client.admin")


def said(*command):
    """What a command printed; its own words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} ...: {done.stderr.strip()[-400:]}")
    return done.stdout.strip()
