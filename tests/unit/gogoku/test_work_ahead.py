"""Work done ahead is waited for, never trusted: where it fails the stage is told so and goes on, and nobody is left."""

import subprocess
import sys
import time
from io import StringIO

from rich.console import Console

from gogoku.demo.ahead import TASKS, Helpers, Task
from gogoku.demo.stages import stages
from gogoku_pipeline.core.sessions import tse_calendar
from resources.run_launcher import is_alive

DOES, FAILS = "calendar", "nobody.wrote.this"
"""A module that ends well, and one that does not."""

STAYS = """
import os, pathlib, time
from gogoku.demo.ahead import end_with_parent
end_with_parent()
pathlib.Path('begun').write_text(str(os.getpid()))
pathlib.Path('begun').rename('here')
time.sleep(60)
"""
STARTS = """
import time
from rich.console import Console
from gogoku.demo.ahead import Helpers, Task
with Helpers(Console(), bool, {}, (Task('stay', 'stays', 'a', 'b'),)) as helpers:
    helpers.before('a')
    time.sleep(60)
"""


def walked(module, *, is_wanted):
    """What a walk over two stages says and does meanwhile, its second stage making use of a module's work."""
    told, meanwhile = StringIO(), []
    task = Task("do the work", module, "a", "b")
    with Helpers(
        Console(file=told, width=200), lambda _: is_wanted, {"b": lambda: meanwhile.append("b")}, (task,)
    ) as helpers:
        for title in ("a", "b", "c"):
            helpers.before(title)
    return told.getvalue(), meanwhile


def test_a_stage_waits_for_the_work_it_makes_use_of_and_says_nothing():
    assert walked(DOES, is_wanted=True) == ("", ["b"])


def test_work_that_fails_is_told_with_its_last_words_and_stops_nothing():
    told, meanwhile = walked(FAILS, is_wanted=True)
    assert "could not do the work ahead, the stage does it by itself" in told and "nobody" in told
    assert meanwhile == ["b"]


def test_nothing_is_begun_for_a_stage_that_is_complete():
    assert walked(FAILS, is_wanted=False) == ("", [])


def test_whoever_works_ahead_ends_with_a_demo_that_was_killed(tmp_path):
    (tmp_path / "stays.py").write_text(STAYS)
    (tmp_path / "starts.py").write_text(STARTS)
    with subprocess.Popen([sys.executable, "-m", "starts"], cwd=tmp_path) as demo:
        try:
            wait_for((tmp_path / "here").is_file)
            worker = int((tmp_path / "here").read_text())
            assert is_alive(worker)
        finally:
            demo.kill()
    wait_for(lambda: not is_alive(worker))


def test_work_ahead_begins_and_is_waited_for_at_stages_there_are_in_their_order():
    titles = [stage.title for stage in stages(tse_calendar().sessions[-3:])]
    for task in TASKS:
        assert titles.index(task.since) < titles.index(task.until)


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
