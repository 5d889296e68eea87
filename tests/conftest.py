"""What every test shares: plain words on the screen, and which worker runs what.

`make test` deals tests out by group (`--dist loadgroup`): a file is a group, and files that stand on one expensive
fixture are one group, so that no second worker builds it again. Groups start in the order of collection, long roads
first, so that no worker walks one alone at the end.
"""

import os
from pathlib import Path

import pytest

# Rich reads these at import and at print: a forced colour on a dumb terminal wraps every table at 80 columns.
for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
    os.environ.pop(name, None)
os.environ["TERM"] = "xterm"

TOGETHER = {"tiny": "tests/flow", "tables": "tests/laws/features"}
"""Fixtures built once, by the folder they belong to."""

LONG_FIRST = ("tests/flow", "tests/laws", "tests/unit/assets", "tests/unit/jobs", "tests/spec", "tests/endurance")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group of every test, and put the long ones first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_turn)


def _group(item: pytest.Item) -> str:
    place = _place(item)
    for fixture, folder in TOGETHER.items():
        if place.startswith(f"{folder}/") and fixture in getattr(item, "fixturenames", ()):
            return folder
    return place


def _turn(item: pytest.Item) -> tuple[int, bool]:
    place = _place(item)
    found = [number for number, folder in enumerate(LONG_FIRST) if place.startswith(f"{folder}/")]
    return min(found, default=len(LONG_FIRST)), _group(item) not in TOGETHER.values()


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent.parent).as_posix()
