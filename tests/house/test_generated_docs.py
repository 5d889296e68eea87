"""Generated pages are current: a declaration that changed without its page turns red."""

from pathlib import Path

from gogoku.commands.describe import every_table
from gogoku_pipeline.evaluation.targets import TARGETS, render_targets
from gogoku_pipeline.features.docs import render_features
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.schema.docs import render_tables
from gogoku_pipeline.training.presets_page import render_presets

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_tables_is_current():
    assert (DOCS / "tables.md").read_text() == render_tables(every_table().values()), "run `make docs`"


def test_the_page_of_features_is_current():
    assert (DOCS / "features.md").read_text() == render_features(registry()), "run `make docs`"


def test_the_page_of_presets_is_current():
    assert (DOCS / "presets.md").read_text() == render_presets(), "run `make docs`"


def test_the_page_of_targets_is_current_and_every_figure_is_measured_or_says_what_it_needs():
    assert (DOCS / "targets.md").read_text() == render_targets(), "run `make docs`"
    assert all(target.ours or target.needs for target in TARGETS)
    root = DOCS.parent
    modules = [target.ours.command.split()[2] for target in TARGETS if target.ours]
    assert modules
    assert all((root / f"{module.replace('.', '/')}.py").exists() for module in modules)
