"""A compiled kernel on disk is used again exactly while everything it reaches is what it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

CALLER = """
from gogoku_pipeline.core.compilation import compiled
from market import called


@compiled
def caller(x):
    return called(x) + later(x)


@compiled
def later(x):
    return called(x)
"""

CALLED = """
from gogoku_pipeline.core.compilation import compiled

STEP = {step}


@compiled
def called(x):
    return x {sign} STEP
"""

ASK = "from caller import caller; print(caller(10.0), sum(caller.stats.cache_hits.values()))"


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "market.py").write_text(CALLED.format(step=1.0, sign="+"))
    return tmp_path


def answer(rooms: Path) -> tuple[float, bool]:
    """What a fresh process answers, and whether the kernel came from disk."""
    seen = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=rooms,
        env={**os.environ, "PYTHONPATH": f"{rooms}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    value, hits = seen.stdout.split()
    return float(value), int(hits) > 0


def test_a_kernel_is_taken_from_disk_until_what_it_calls_changes(rooms: Path) -> None:
    assert answer(rooms) == (22.0, False)
    assert answer(rooms) == (22.0, True)
    (rooms / "market.py").write_text(CALLED.format(step=1.0, sign="*"))
    assert answer(rooms) == (20.0, False), "another operation in another file"
    (rooms / "market.py").write_text(CALLED.format(step=3.0, sign="*"))
    assert answer(rooms) == (60.0, False), "another constant in another file"
    assert answer(rooms) == (60.0, True)


def test_the_reach_of_every_kernel_is_the_same_in_every_process() -> None:
    said = (
        "import sys; from numba.core.dispatcher import Dispatcher; from gogoku_pipeline.core.compilation import reach\n"
        "from gogoku_pipeline.features import engine\n"
        "from gogoku_pipeline.graph import exact, sieve, structure\n"
        "from gogoku_pipeline.evaluation.backtest import fills\n"
        "kernels = {(m, n): v for m, s in list(sys.modules.items()) if m.startswith('gogoku_pipeline')\n"
        "           for n, v in list(vars(s).items()) if isinstance(v, Dispatcher)}\n"
        "print(len(kernels)); print(sorted((k, reach(v)) for k, v in kernels.items()))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", said],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert int(runs[0].split()[0]) > 100
