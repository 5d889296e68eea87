"""A server-given address is hostile until proved otherwise: nothing is sent to it before it is judged."""

import asyncio

import pytest
from aiohttp import web

from gogoku_pipeline.core.errors import PayloadError, ServerError
from gogoku_pipeline.jquants import Downloader
from gogoku_pipeline.jquants.hosts import BULK_HOSTS, host_rule

STRICT = host_rule("https://api.jquants.com/v2", BULK_HOSTS)
NEAR = host_rule("http://127.0.0.1:8000/v2", BULK_HOSTS)
COMPOSE = host_rule("http://simulator:8000/v2", BULK_HOSTS)
BUCKET = "https://bucket.s3.ap-northeast-1.amazonaws.com/a/b.csv.gz?X-Amz-Signature=canary-signature"
PUBLIC = "52.219.1.1"

HOSTILE = [
    "file:///etc/passwd",
    "ftp://bucket.s3.amazonaws.com/x",
    "gopher://bucket.s3.amazonaws.com/x",
    "//bucket.s3.amazonaws.com/x",
    "bucket.s3.amazonaws.com/x",
    "",
    "http://bucket.s3.amazonaws.com/x",
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0177.0.0.1/x",
    "https://127.1/x",
    "https://0/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:169.254.169.254]/x",
    "https://[fe80::1%25eth0]/x",
    "https://52.219.1.1/x",
    "https://bucket.s3.amazonaws.com@evil.test/x",
    "https://user:secret@bucket.s3.amazonaws.com/x",
    "https://@bucket.s3.amazonaws.com/x",
    "https://amazonaws.com.evil.test/x",
    "https://evilamazonaws.com/x",
    "https://evil.test/amazonaws.com",
    "https://evil.test#.amazonaws.com/x",
    "https://evil.test?.amazonaws.com/x",
    "https://evil.test\\.amazonaws.com/x",
    "https://evil.test\\@bucket.s3.amazonaws.com/x",
    "https://bucket.s3.amazonaws.com./x",
    "https://.amazonaws.com/x",
    "https://bucket..amazonaws.com/x",
    "https://bücket.s3.amazonaws.com/x",
    "https://bucket.s3.amazonaws.com%2eevil.test/x",
    "https://bucket.s3.amazonaws.com%00.evil.test/x",
    "https://bucket.s3.amazonaws.com\n.evil.test/x",
    "https://bucket.s3.amazonaws.com /x",
    "https://" + "a" * 64 + ".amazonaws.com/x",
    "https://bucket.s3.amazonaws.com:22/x",
    "https://bucket.s3.amazonaws.com:80/x",
    "https://bucket.s3.amazonaws.com:999999/x",
    "https://[::1/x",
    "https://bucket.s3.amazonaws.com/" + "x" * 9_000,
    "javascript:alert(1)",
    "data:text/plain,x",
]


@pytest.mark.parametrize("address", HOSTILE, ids=lambda text: text[:60])
def test_a_hostile_address_is_refused_before_anything_is_resolved(run, address):
    asked = []

    async def resolve(host, port):
        asked.append(host)
        return [PUBLIC]

    with pytest.raises(PayloadError, match="daily_bars"):
        run(Downloader(resolve=resolve).fetch("bulk daily_bars", address, STRICT))
    assert asked == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.5"],
        ["172.16.9.9"],
        ["192.168.1.1"],
        ["169.254.169.254"],
        ["100.100.100.200"],
        ["0.0.0.0"],
        ["224.0.0.1"],
        ["255.255.255.255"],
        ["::1"],
        ["::"],
        ["fe80::1%eth0"],
        ["fc00::1"],
        ["fd00:ec2::254"],
        ["::ffff:127.0.0.1"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:7f00:1::"],
        [PUBLIC, "127.0.0.1"],
        [],
    ],
    ids=str,
)
def test_a_listed_host_at_a_private_address_is_refused(run, addresses):
    async def resolve(host, port):
        return addresses

    with pytest.raises(PayloadError, match="private address"):  # a connection would fail with ServerError
        run(Downloader(resolve=resolve).fetch("bulk daily_bars", BUCKET, STRICT))


def test_a_public_address_of_a_listed_host_passes():
    for text in (BUCKET, "https://amazonaws.com/x", "https://files.jpx-jquants.com:443/x?y=%2F"):
        url = STRICT.checked("bulk", text)
        STRICT.check_addresses("bulk", url, [PUBLIC, "2600:1f60::1"])
        assert url.raw_path_qs == text.split("/", 3)[3].join(["/", ""])


def test_hosts_can_be_listed_otherwise():
    rule = host_rule("https://api.jquants.com/v2", (".storage.example",))
    assert rule.checked("bulk", "https://a.storage.example/x").host == "a.storage.example"
    with pytest.raises(PayloadError, match="storage.example"):
        rule.checked("bulk", BUCKET)
    with pytest.raises(PayloadError):
        host_rule("https://api.jquants.com/v2", ("", ".")).checked("bulk", "https://x./")


@pytest.mark.parametrize("rule", [NEAR, COMPOSE], ids=["this machine", "compose"])
def test_near_the_simulator_near_addresses_pass_but_never_link_local_ones(rule):
    here = f"http://{rule.near_host}:8000/bulk/x?s=1"
    for text in (here, "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:9/x"):
        rule.check_addresses("bulk", rule.checked("bulk", text), ["127.0.0.1"])
    url = rule.checked("bulk", here)
    rule.check_addresses("bulk", url, ["172.18.0.4"])
    for address in ("169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0", PUBLIC):
        with pytest.raises(PayloadError, match="private address"):
            rule.check_addresses("bulk", url, [address])
    for text in ("http://169.254.169.254/x", "http://10.0.0.5/x", "http://evil.test/x", "file:///etc/passwd"):
        with pytest.raises(PayloadError):
            rule.checked("bulk", text)


def test_a_name_server_that_changes_its_mind_changes_nothing(run, serve, steps):
    """The host is asked for once; the connection goes to the address that was judged."""

    async def go():
        async with serve(steps((200, "file"))) as service:
            port = service.base_url.split(":")[2].split("/")[0]
            answers = iter([["127.0.0.1"], ["169.254.169.254"], ["127.0.0.3"]])
            asked = []

            async def resolve(host, _):
                asked.append(host)
                return next(answers)

            rule = host_rule(service.base_url, ("files.test",))
            download = await Downloader(resolve=resolve).fetch("bulk", f"http://a.files.test:{port}/x", rule)
            return download, asked, [headers["Host"] for _, _, headers in service.asked], port

    download, asked, hosts, port = run(go())
    assert (download.status, download.body) == (200, b"file")
    assert asked == ["a.files.test"]
    assert hosts == [f"a.files.test:{port}"]


def test_a_name_that_does_not_resolve_is_a_stumble(run):
    async def resolve(host, port):
        raise OSError("no such name")

    with pytest.raises(ServerError, match="OSError"):
        run(Downloader(resolve=resolve).fetch("bulk", BUCKET, STRICT))


def test_a_name_server_that_hangs_is_given_up(run):
    async def resolve(host, port):
        await asyncio.sleep(30)

    with pytest.raises(ServerError, match="TimeoutError"):
        run(Downloader(resolve=resolve, timeout_seconds=0.2).fetch("bulk", BUCKET, STRICT))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(run, serve, status):
    async def elsewhere(request, n):
        return web.Response(status=status, headers={"Location": "/secrets?token=canary-signature"})

    async def go():
        async with serve(elsewhere) as service:
            with pytest.raises(PayloadError, match="redirect") as caught:
                await Downloader().fetch("bulk", f"{service.base_url}/x", host_rule(service.base_url, ()))
            return str(caught.value), [path for path, _, _ in service.asked]

    words, asked = run(go())
    assert "canary" not in words
    assert asked == ["/v2/x"]
