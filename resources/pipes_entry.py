"""The training script: one order in, one kept version out. `python -m resources.pipes_entry`.

Started by Dagster Pipes (a subprocess, a pod) it reads its order from the extras and reports the version back; with
the name of a JSON file it reads the order there and writes `<file>.done` beside it. Started by `torchrun` in several
processes, the first does just that and the others make its networks' steps along.

Belongs here: the ways in and out. Does not belong here: what is done (`training_order.carry_out`).
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_pipes import open_dagster_pipes

from resources.training_order import TrainingOrder, carry_out, opened

if TYPE_CHECKING:
    from gogoku_pipeline.training.final import ModelVersion


def told(version: "ModelVersion") -> dict[str, Any]:
    """What is reported of a version: its name and the learning curve of each seed."""
    curves = {str(seed): curve for seed, curve in version.curves.items()}
    return {"version": version.version, "config_hash": version.config_hash, "curves": curves}


def main(arguments: list[str]) -> None:
    """Carry out the order of a file, or of the Pipes context this process was started with."""
    from gogoku_pipeline.training.processes import joined

    with joined() as team:
        if not team.is_first:
            help_out()
        elif arguments:
            file = Path(arguments[0])
            version = with_helpers(json.loads(file.read_text()))
            file.with_suffix(f"{file.suffix}.done").write_text(json.dumps(told(version)))
        else:
            with open_dagster_pipes() as pipes:
                version = with_helpers(pipes.get_extra("order"))
                pipes.log.info(f"{version.model} version {version.version} kept")
                pipes.report_custom_message(told(version))


def with_helpers(document: Any) -> "ModelVersion":
    """Carry an order out, after telling the other processes of it; they go home when it is done."""
    from gogoku_pipeline.training.processes import call, dismiss

    order = TrainingOrder.read(document)
    call(order.document())
    version = carry_out(order)
    dismiss()
    return version


def help_out() -> None:
    """Open the order's data, then make every fit along that the first process calls for."""
    from gogoku_pipeline.training.processes import follow, heard

    (document,) = heard()
    _, data = opened(TrainingOrder.read(document))
    follow(lambda recipe, train, validation, seed, horizon_d: recipe.fit(data, train, validation, seed, horizon_d))


if __name__ == "__main__":
    main(sys.argv[1:])
