"""An S3 server in this process: moto's S3 alone, which need not find out per request which AWS service is meant."""

from contextlib import contextmanager
from threading import Thread

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

KEY, SECRET = "testkey", "testsecret"


class Quiet(MotoRequestHandler):
    """Writes no line per request."""

    def log(self, type, message, *args):
        pass


@contextmanager
def moto_gateway():
    """The address of an empty S3 server on a free port, for as long as the context lasts."""
    server = make_server("127.0.0.1", 0, create_backend_app("s3"), threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, name="moto", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
