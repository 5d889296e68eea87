"""Door plates, environment reads, names that say nothing, words that do not belong."""

import ast
import re
from pathlib import Path

import pytest

from gogoku_pipeline.core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("gogoku_pipeline", "resources", "assets", "jobs", "gogoku")
NOTHING_WORDS = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}


def _python() -> list[Path]:
    return sorted(path for room in SOURCES for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize(
    "path", [p for p in _python() if p.name == "__init__.py"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_package_has_a_door_plate(path: Path):
    words = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert len(words) >= 60, f"{path}: open with what it is, what belongs here, what does not"


@pytest.mark.parametrize(
    "path", [p for p in _python() if p.name != "settings.py"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_only_settings_reads_the_environment(path: Path):
    reads = re.findall(r"\bos\.(?:environ|getenv)\b", path.read_text())
    assert not reads, f"{path} reads the environment; take a Settings value"


def test_the_environment_has_at_most_twelve_names_and_the_example_shows_them_all():
    names = {field.validation_alias or f"GOGOKU_{name.upper()}" for name, field in Settings.model_fields.items()}
    shown = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert names == shown
    assert len(names) <= 12


def test_no_module_is_named_after_nothing():
    named = {path.stem for path in _python()} | {path.parent.name for path in _python()}
    assert not named & NOTHING_WORDS


@pytest.mark.parametrize("path", _python(), ids=lambda p: str(p.relative_to(ROOT)))
def test_exports_are_what_is_defined(path: Path):
    tree = ast.parse(path.read_text())
    exported = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets)
    ]
    if not exported:
        return
    names = {
        alias.asname or alias.name for n in tree.body if isinstance(n, ast.ImportFrom | ast.Import) for alias in n.names
    }
    names |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)}
    names |= {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    names |= {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    missing = set(exported[0]) - names
    assert not missing, f"{path}: __all__ names {missing}, which it does not define"


@pytest.mark.parametrize(
    "path",
    [p for p in _python() if p.parts[len(ROOT.parts)] != "gogoku_pipeline" or "schema" in p.parts],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_annotations_stay_real_above_the_wall(path: Path):
    assert "from __future__ import annotations" not in path.read_text(), (
        "Dagster resolves these annotations at run time"
    )
