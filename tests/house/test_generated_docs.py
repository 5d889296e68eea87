"""Generated pages are current: a declaration that changed without its page turns red."""

from pathlib import Path

from gogoku.commands.describe import every_table
from gogoku_pipeline.features.docs import render_features
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.schema.docs import render_tables

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_tables_is_current():
    assert (DOCS / "tables.md").read_text() == render_tables(every_table().values()), "run `make docs`"


def test_the_page_of_features_is_current():
    assert (DOCS / "features.md").read_text() == render_features(registry()), "run `make docs`"
