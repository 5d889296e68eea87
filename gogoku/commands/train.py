"""`gogoku train` and `gogoku search`: a version by hand, better dials in stages; every fit is a trial.

Belongs here: options to dials, a run's story as a table. Does not belong here: fitting, searching (training).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    from gogoku_pipeline.core.clocks import Clock
    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.evaluation.trials import Trial
    from gogoku_pipeline.store import Store
    from gogoku_pipeline.training.final import ModelVersion
    from gogoku_pipeline.training.search import Found
    from resources.compute import Compute

console = Console(soft_wrap=True)
MODEL = Annotated[str, typer.Argument(help="recipe: apex_ranker, atft_gat_fan, lightgbm")]
CUTOFF = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last session known; empty: the newest")]
DIALS = Annotated[list[str] | None, typer.Option("--set", help="a dial, e.g. train.epochs=20, loss.ranknet=0.2")]
PROCESSES = Annotated[int, typer.Option(min=1, help="processes a network's steps are shared among: one per GPU")]
JSON = Annotated[bool, typer.Option("--json", help="as JSON")]


def train(
    model: MODEL, cutoff: CUTOFF = None, dials: DIALS = None, processes: PROCESSES = 1, as_json: JSON = False
) -> None:
    """Train a version of a model on what was known at a cut-off, and tell how each seed's run went.

    The same version is found, not trained again; an interrupted training goes on from its checkpoint.
    """
    from resources.trainer import carry_out_in
    from resources.training_order import order_of, trained_here

    store, compute, data, clock = _place(model, dials or ())
    day = cutoff.date() if cutoff else data.panel.sessions[-1]
    if processes > 1:
        carry_out_in(processes, order_of(store, compute, data, model, day))
    version = trained_here(store, compute, data, model, day)
    record(store, version.trials, clock, "gogoku train")
    rows = story(store, version)
    if as_json:
        print(json.dumps({"model": model, "version": version.version, "runs": rows}))
        return
    table = Table(title=f"{model}, version {version.version}, cut-off {version.cutoff}")
    for heading in ("seed", "epochs", "best epoch", "figure", "value", "decision"):
        table.add_column(heading, justify="left" if heading in ("figure", "decision") else "right")
    for row in rows:
        value = "-" if row["value"] is None else f"{row['value']:+.4f}"
        table.add_row(*(str(row[name]) for name in ("seed", "epochs", "best_epoch", "figure")), value, row["reason"])
    console.print(table)


def search(model: MODEL, cutoff: CUTOFF = None, dials: DIALS = None, as_json: JSON = False) -> None:
    """Search for better dials of a network in three stages, on validation days alone; the gate judges what is found."""
    from gogoku_pipeline.training.search import Question
    from gogoku_pipeline.training.search import search as searched
    from gogoku_pipeline.training.search_space import SPACE
    from resources.compute import NETWORKS
    from resources.recipes import recipe

    if model not in NETWORKS:
        raise ConfigError(model, got="nothing to search", want=f"one of {NETWORKS}", remedy="Name a network.")
    store, compute, data, clock = _place(model, dials or ())
    day, terms = cutoff.date() if cutoff else data.panel.sessions[-1], compute.terms
    folds = tuple(terms.folds(data.sessions, day))
    asked: Any = recipe(model, compute)
    question = Question(replace(asked, place=type(asked.place)()), SPACE, folds, terms.gate.horizon_d, terms.seeds[0])
    journal = compute.cache_dir / "search" / f"{model}.log"
    found = searched(question, data, journal, lambda trial: record(store, [(trial, ())], clock, "gogoku search"))
    if as_json:
        print(json.dumps({"bar": found.bar, "stages": [vars(verdict) for verdict in found.verdicts]}))
        return
    console.print(stages_of(found))
    if found.recipe is not None:
        console.print(escape(" ".join(f"--set {name}={value}" for name, value in found.verdicts[-1].values.items())))


def with_dials(compute: "Compute", model: str, dials: Sequence[str]) -> "Compute":
    """Sizes with some dials of a network and its loop turned.

    Args:
        compute: sizes of the place.
        model: the network.
        dials: `model.<field>=value`, `train.<field>=value`, `loss.<field>=value`, `stop.<field>=value` or
            `selection.<field>=value`; a value is read as JSON where it is JSON, else as text.

    Raises:
        ConfigError: not of this form, or a model that is no network. Fields nobody knows are refused where the recipe
            is made.
    """
    from resources.compute import NETWORKS

    if dials and model not in NETWORKS:
        raise ConfigError(
            f"--set for {model}", got=" ".join(dials), want=f"one of {', '.join(NETWORKS)}", remedy="Name a network."
        )
    own = compute.dials(model)
    network, training = dict(own.shape), dict(own.training)
    for dial in dials:
        name, is_set, text = dial.partition("=")
        part, _, field = name.partition(".")
        if not (is_set and field and part in ("model", "train", "loss", "stop", "selection")):
            want = "model., train., loss., stop. or selection. with a field and a value"
            raise ConfigError(f"--set {dial}", got=repr(dial), want=want, remedy="Write it like train.epochs=20.")
        if part == "model":
            network[field] = _value(text)
        elif part == "train":
            training[field] = _value(text)
        else:
            training[part] = {**_plain(training.get(part, {})), field: _value(text)}
    turned = replace(own, shape=network, training=training)
    return replace(compute, networks={**compute.networks, model: turned}) if dials else compute


def story(store: "Store", version: "ModelVersion") -> list[dict[str, Any]]:
    """What the last decision about each seed's run was, from what the version keeps of itself."""
    from gogoku_pipeline.registry.learning_curves import last_decisions

    return last_decisions(store.artefacts.load(version.model, version.version))


def stages_of(found: "Found") -> Table:
    """The stages of a search, one line each."""
    table = Table(title=f"search; the bar's validation figure is {found.bar:.4f}")
    for heading in ("stage", "best", "ended", "cut short", "failed", "answer"):
        table.add_column(heading, justify="left" if heading in ("stage", "answer") else "right")
    for verdict in found.verdicts:
        counts = (str(count) for count in verdict.counts)
        table.add_row(verdict.stage, f"{verdict.best:.4f}", *counts, escape(verdict.reason))
    return table


def _place(model: str, dials: Sequence[str]) -> "tuple[Store, Compute, TrainingData, Clock]":
    """Store, sizes, panel with what the model reads beside it, labels, and clock of this folder's place."""
    from assets.models import training_data
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from resources.compute import NETWORKS

    place = deployment()
    store, compute = place.open_store(), with_dials(sizes_of(place), model, dials)
    if model in NETWORKS and model not in compute.challengers:
        compute = replace(compute, challengers=(*compute.challengers, model))
    return store, compute, training_data(store, compute), place.clock


def record(store: "Store", trials: "Sequence[tuple[Trial, tuple[float, ...]]]", clock: "Clock", command: str) -> None:
    """Write fits into the ledger of trials, as the command that made them."""
    from gogoku_pipeline.evaluation.trials import trial_rows
    from gogoku_pipeline.registry.ledgers import record_trials
    from gogoku_pipeline.store import CommitInfo

    rows = trial_rows(trials, recorded_at=clock.now())
    record_trials(store, rows, commit=CommitInfo(run_id=command, code_version="1"))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _plain(fields: Any) -> dict[str, Any]:
    """Fields of a nested setting, given as a dictionary or as its object."""
    return dict(fields) if isinstance(fields, Mapping) else dict(vars(fields))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(search)
