"""The command line as a person runs it: its own process, its own folder, its own environment."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPT = str(Path(sys.executable).parent / "gogoku")
ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 1800
"""A whole demo on a machine that does ten other things; one that hangs is ended."""


def environment(folder, **names):
    """What a person's shell would hold: nothing of ours but this checkout's code and the names given.

    An environment shared by several checkouts runs the one that was installed last, which need not be this one.
    """
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    return {**own, "COLUMNS": "220", "PYTHONUNBUFFERED": "1", **names}


def gogoku(folder, *arguments, **names):
    """Run a command in a folder to its end."""
    done = subprocess.run(
        [SCRIPT, *arguments],
        cwd=folder,
        env=environment(folder, **names),
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def complaint(self):
        """The four answers of an error: thing, got, want, do."""
        lines = self.err.strip().splitlines()[-4:]
        words = [re.match(r"\s+(got|want|do)\s\s(.+)", line) for line in lines[1:]]
        assert all(words), self.err
        assert [word.group(1) for word in words] == ["got", "want", "do"]
        return [lines[0], *(word.group(2) for word in words)]

    @property
    def stages(self):
        """(how long, which stage) of a demo, in order."""
        return re.findall(r"^ +(done|[\d.]+ s)  (\S.*)$", self.out, flags=re.MULTILINE)
