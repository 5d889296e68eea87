"""Documents keep their word: commands exist, rooms exist, nothing points at a machine."""

import re
import subprocess
from pathlib import Path

import typer

from gogoku.cli import build_app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"]


def _commands() -> set[str]:
    return set(typer.main.get_command(build_app()).commands)


def test_the_readme_opens_with_two_commands():
    assert "make demo" in README
    assert "make test" in README


def test_every_make_target_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z][a-z0-9-]*)", page.read_text())}
    assert named <= targets, f"documents name {named - targets}"


def test_every_gogoku_command_in_the_documents_exists():
    named = {name for page in PAGES for name in re.findall(r"gogoku ([a-z][a-z-]+)\b(?=[^.]*`)", page.read_text())}
    known = _commands() | {"in"}
    assert named & known
    lines = re.findall(r"^\s*(?:\.venv/bin/)?gogoku ([a-z-]+)", README, re.M)
    assert set(lines) <= known, f"the README names {set(lines) - known}"


def test_the_tree_in_the_architecture_names_every_room():
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {path.name for path in (ROOT / "gogoku_pipeline").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= set(re.findall(r"[├└]── ([a-z_]+)/", page)), "a room is missing from ARCHITECTURE.md"


def test_no_tracked_file_carries_a_path_of_one_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    homes = re.compile(r"/(?:root|home/[a-z]+|Users/[A-Za-z]+)/")
    text = (
        path for path in listed if path.endswith((".py", ".md", ".toml", ".yaml", ".txt")) and path != "constraints.txt"
    )
    found = [
        path
        for path in text
        if (ROOT / path).exists() and homes.search((ROOT / path).read_text()) and "test_documents" not in path
    ]
    assert not found


def test_every_picture_is_small_and_stands_in_a_document():
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"!\[[^\]]*\]\((?!https?:)([^)]+)\)", page.read_text())
    }
    kept = set((ROOT / "docs" / "images").iterdir())
    assert kept == shown, f"shown but missing, or kept but not shown: {kept ^ shown}"
    assert all(path.stat().st_size < 250_000 for path in kept)
