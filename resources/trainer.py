"""Who has versions trained: this process, one of its own, or a pod, by one dial of the deployment.

Belongs here: handing an order over and reading back what was kept.
Does not belong here: the order and carrying it out (`training_order`), the script (`pipes_entry`).
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import dagster as dg

from gogoku_pipeline.core.errors import ConfigError, RegistryError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.store import Store
from resources.compute import Compute
from resources.training_order import TrainingOrder, order_of, trained_here

if TYPE_CHECKING:
    from gogoku_pipeline.training.final import ModelVersion

ENTRY = "resources.pipes_entry"


class Trainer(Protocol):
    """Whoever has versions trained."""

    def train(
        self, context: dg.AssetExecutionContext, store: Store, compute: Compute, data: TrainingData, model: str
    ) -> "ModelVersion":
        """The version of the context's partition."""
        ...


class InProcess:
    """Trains in the process of the run."""

    def train(
        self, context: dg.AssetExecutionContext, store: Store, compute: Compute, data: TrainingData, model: str
    ) -> "ModelVersion":
        """Train here."""
        return trained_here(store, compute, data, model, date.fromisoformat(context.partition_key))


Launch = Callable[[dg.AssetExecutionContext, dict[str, Any]], Any]
"""Runs the script with these extras and returns what it reported (a PipesClientCompletedInvocation)."""


@dataclass(frozen=True)
class OverPipes:
    """Has the script carry the order out somewhere else; what it reports comes back through Dagster Pipes.

    Attributes:
        launch: `in_subprocess`, `in_torchrun(count)` or `in_pod(image)`.
    """

    launch: Launch

    def train(
        self, context: dg.AssetExecutionContext, store: Store, compute: Compute, data: TrainingData, model: str
    ) -> "ModelVersion":
        """Send the order, wait, and read the version that was kept.

        Raises:
            RegistryError: the process ended well but kept another version than it should have, or none.
        """
        order = order_of(store, compute, data, model, date.fromisoformat(context.partition_key))
        (told,) = self.launch(context, {"order": order.document()}).get_custom_messages()
        if told["version"] not in store.artefacts.versions(model):
            raise RegistryError(
                f"{model} at cut-off {order.cutoff}",
                got=f"version {told['version']}, which is not in {store.url}",
                want="the version the training process reported",
                remedy="Give the training process the same store.",
            )
        version = trained_here(store, compute, data, model, order.cutoff)
        if version.version != told["version"]:
            raise RegistryError(
                f"{model} at cut-off {order.cutoff}",
                got=f"version {told['version']} from the training process",
                want=version.version,
                remedy="Run the training process from the same code, panel and labels.",
            )
        return replace(version, curves={int(seed): curve for seed, curve in told["curves"].items()})


def in_subprocess(context: dg.AssetExecutionContext, extras: dict[str, Any]) -> Any:
    """Run the script beside this process."""
    command = [sys.executable, "-m", ENTRY]
    return dg.PipesSubprocessClient().run(command=command, context=context.op_execution_context, extras=extras)


def in_torchrun(count: int) -> Launch:
    """Run the script in so many processes beside this one, one per GPU where there are any; only the first reports."""

    def launch(context: dg.AssetExecutionContext, extras: dict[str, Any]) -> Any:
        asked = context.op_execution_context
        return dg.PipesSubprocessClient().run(command=torchrun(count), context=asked, extras=extras)

    return launch


def torchrun(count: int) -> list[str]:
    """The command that starts the script in so many processes of this machine."""
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    return [sys.executable, *start, "-m", ENTRY]


def carry_out_in(count: int, order: TrainingOrder) -> None:
    """Have an order carried out by so many processes beside this one, without Dagster; the store keeps the version.

    Raises:
        TrainingError: one of them failed; what it said stands on the terminal.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "order.json"
        file.write_text(json.dumps(order.document()))
        if subprocess.run([*torchrun(count), str(file)], check=False).returncode:
            raise TrainingError(
                f"{order.model} at cut-off {order.cutoff} in {count} processes",
                got="a process that failed",
                want="a kept version",
                remedy="Read its message above; train in one process to see whether it is the model or the machine.",
            )


def in_pod(image: str) -> Launch:
    """Run the script in a pod of this image, which shares store and cache folder; needs dagster-k8s."""

    def launch(context: dg.AssetExecutionContext, extras: dict[str, Any]) -> Any:
        from dagster_k8s import PipesK8sClient

        asked, command = context.op_execution_context, ["python", "-m", ENTRY]
        return PipesK8sClient().run(context=asked, image=image, command=command, extras=extras)

    return launch


def trainer_of(compute: Compute) -> Trainer:
    """The way a deployment trains, see `Compute.trained_in`; raises ConfigError for anything else."""
    where, _, image = compute.trained_in.partition(":")
    if where == "process" and not image:
        return InProcess()
    if where == "subprocess" and not image:
        return OverPipes(in_subprocess)
    if where == "torchrun" and image.isdecimal() and int(image) > 1:
        return OverPipes(in_torchrun(int(image)))
    if where == "pod" and image:
        return OverPipes(in_pod(image))
    raise ConfigError(
        "Compute.trained_in",
        got=repr(compute.trained_in),
        want="process, subprocess, torchrun:<processes, 2 at least> or pod:<image>",
        remedy="Correct the deployment's sizes.",
    )
