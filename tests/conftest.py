"""What every test shares: plain words on the screen, and which worker runs what.

`make test` deals tests out by group: a file is a group, and files that stand on one expensive fixture are one group, so
that no second worker builds it again. Groups start in the order of collection, long roads first, so that no worker
walks one alone at the end.
"""

import os
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Rich reads these at import and at print: a forced colour on a dumb terminal wraps every table at 80 columns.
for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
    os.environ.pop(name, None)
os.environ["TERM"] = "xterm"

TOGETHER = {
    "one tiny house": (
        "tests/flow/test_tiny_road.py",
        "tests/flow/test_browser.py",
        "tests/flow/test_kernels_ahead.py",
        "tests/flow/test_explain_command.py",
    ),
    "one market of laws": ("tests/laws/features/",),
    "one audited market": ("tests/laws/audit/", "tests/unit/audit/"),
    "one long compilation": (
        "tests/unit/assets/test_panel_of_a_set.py",
        "tests/unit/dataset/test_export.py",
        "tests/unit/features/test_alpha158.py",
    ),
}
"""Files and folders that share what takes long to make, by what it is."""

AT_ONCE = ("one tiny house", "tests/unit/simulator/")
"""What two workers begin with: one compiles the kernels on its way, the other does what needs none of them."""

LONG_FIRST = ("tests/flow", "tests/laws", "tests/unit/assets", "tests/unit/jobs", "tests/spec", "tests/endurance")


class ByGroup(LoadScopeScheduling):
    """Deals out whole groups. (The marks of `--dist loadgroup` are lost on the way with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByGroup:
    """Every parallel run deals by group."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first."""
    items.sort(key=_turn)


def _group(place: str) -> str:
    held = (group for group, members in TOGETHER.items() if place.startswith(members))
    return next(held, place)


def _turn(item: pytest.Item) -> tuple[int, bool]:
    place = item.path.relative_to(Path(__file__).parent.parent).as_posix()
    if place.startswith(AT_ONCE[1]) or _group(place) == AT_ONCE[0]:
        return -1, _group(place) != AT_ONCE[0]
    found = [number for number, folder in enumerate(LONG_FIRST) if place.startswith(f"{folder}/")]
    return min(found, default=len(LONG_FIRST)), _group(place) not in TOGETHER
