"""A training run that is killed in the middle: `python -m tests.unit.training.killed_run <folder> <passes>`."""

import sys
from pathlib import Path

from gogoku_pipeline.training.config import Place
from tests.unit.training.toy_network import ToyRun

DIALS = {"save_steps": 2, "averaging": "ema"}

if __name__ == "__main__":
    folder, dies_at = Path(sys.argv[1]), int(sys.argv[2])
    ToyRun(folder / "panel").train(network={"dies_at": dies_at}, place=Place(folder / "run"), **DIALS)
    raise SystemExit("the run outlived its killer")
