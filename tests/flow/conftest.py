"""The demo at its smallest, walked once for everybody who asks about it."""

import json

import pytest

from gogoku.deployment import DemoNote
from gogoku_pipeline.store import open_store
from tests.flow.command_line import gogoku


class Walked:
    """A demo that was run in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.said = gogoku(folder, "demo", "--size", "tiny")

    @property
    def home(self):
        """Data, caches and Dagster's home."""
        (home,) = (path for path in (self.folder / ".gogoku" / "demo").iterdir() if path.is_dir())
        return home

    @property
    def store(self):
        return open_store(f"file://{self.home / 'data'}", probe=False)

    @property
    def note(self):
        return DemoNote(**json.loads((self.folder / ".gogoku" / "demo" / "demo.json").read_text()))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny demo, run from nothing."""
    return Walked(tmp_path_factory.mktemp("tiny"))
