"""One process of several: `torchrun --nproc-per-node 2 -m tests.unit.training.several_run <folder> <dropout> <passes>`.

The first process is killed after so many passes; 0 for never.
"""

import sys
from pathlib import Path

from safetensors.torch import save_file

from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.training.config import Place
from gogoku_pipeline.training.processes import joined
from tests.unit.training.toy_network import ToyRun

LEVELS = (0.1, 0.5, 0.9)
DIALS = {
    "epochs": 3,
    "days_per_step": 7,
    "loss": LossWeights(pinball=0.5),
    "horizon_weights": {1: 0.3, 5: 1.0},
    "save_steps": 2,
}


def toy_run(folder):
    return ToyRun(folder, horizons=(1, 5))


if __name__ == "__main__":
    folder, dropout, dies_at = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    with joined() as team:
        network = {"dropout": dropout, "levels": LEVELS, "dies_at": dies_at if team.is_first else 0}
        place = Place(folder / "run" if team.is_first else None)
        found = toy_run(folder / f"panel-{team.rank}").train(network=network, place=place, **DIALS)
        save_file(found.weights, folder / f"weights-{team.rank}.safetensors")
