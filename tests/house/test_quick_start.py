"""A command starts quickly: what it imports before it knows what is asked leaves the heavy libraries alone."""

import subprocess
import sys


def test_the_definitions_load_neither_tensors_nor_boosted_trees():
    ask = "import sys, gogoku.definitions; print([name for name in ('torch', 'lightgbm') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.split("\n")[-2] == "[]"
