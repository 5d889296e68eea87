"""A store opens only where its promises can be kept."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gogoku_pipeline.core.errors import ConditionalWriteError, ConfigError, StoreError
from gogoku_pipeline.store import open_store


class CarelessS3(BaseHTTPRequestHandler):
    """Keeps objects, and takes no notice of If-None-Match: the kind of server that loses commits."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, bytes] = {}
    conditions: list[str | None] = []
    status = 200

    def do_PUT(self):
        self.conditions.append(self.headers["If-None-Match"])
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Be quiet."""


@pytest.fixture(params=[200, 501])
def careless(request):
    handler = type("Handler", (CarelessS3,), {"kept": {}, "conditions": [], "status": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def options(endpoint):
    return {
        "aws_endpoint_url": endpoint,
        "aws_access_key_id": "id-canary",
        "aws_secret_access_key": "secret-canary",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }


def test_a_server_that_ignores_or_refuses_conditions_is_refused(careless):
    handler, endpoint = careless
    with pytest.raises((ConditionalWriteError, StoreError)) as caught:
        open_store("s3://bucket/prefix", options(endpoint))
    assert "*" in handler.conditions
    assert "canary" not in str(caught.value)
    if handler.status == 200:
        assert type(caught.value) is ConditionalWriteError
        assert len(handler.conditions) == 2
        open_store("s3://bucket/prefix", options(endpoint), probe=False)


def test_a_server_that_is_not_there_is_reported_without_secrets():
    with pytest.raises(StoreError, match="endpoint") as caught:
        open_store("s3://bucket/prefix", options("http://127.0.0.1:9"))
    assert "canary" not in str(caught.value) + repr(caught.value.args)


def test_no_representation_shows_an_option(tmp_path):
    store = open_store("s3://bucket/prefix", options("http://127.0.0.1:9"), probe=False)
    assert "canary" not in f"{store!r} {store.location!r} {store.tables!r} {store.objects!r}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/plain/path",
        "file://relative/path",
        "s3://",
        "gs://bucket",
        "http://host/x",
        "s3://b/p?x=1",
        "file:///tmp/per%2520cent",
        "file:///",
    ],
)
def test_urls_nobody_could_open_are_refused(url):
    with pytest.raises(ConfigError, match="GOGOKU_DATA_URL"):
        open_store(url)


def test_keys_do_not_travel_in_clear_over_the_internet():
    with pytest.raises(ConfigError, match="plain http"):
        open_store("s3://bucket", options("http://s3.example.com"))


def test_a_folder_is_made_when_missing(tmp_path):
    open_store(f"file://{tmp_path}/a/b/c").objects.put_new("k", b"v")
    assert (tmp_path / "a/b/c/k").read_bytes() == b"v"
