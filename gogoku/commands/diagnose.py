"""`gogoku diagnose`: why a network learns nothing, from the baseline up to the full design.

Belongs here: which run or design, and the rungs as a table. Does not belong here: rungs, findings (training).
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gogoku.commands.train import with_dials
from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.training.diagnosis import Diagnosis
    from gogoku_pipeline.training.diagnosis_fits import Case, RungResult
    from gogoku_pipeline.training.diagnosis_runs import StoredRun
    from gogoku_pipeline.training.recipe_network import NetworkRecipe
    from resources.compute import Compute

console = Console(soft_wrap=True)
STYLES = {"learns": "green", "learns nothing": "yellow", "as below": "dim"}
FIGURES = (
    ("RankIC", "rank_ic", "+.4f"),
    ("t", "t", "+.1f"),
    ("learnt", "learnt_rank_ic", "+.4f"),
    ("std", "score_std", ".2g"),
    ("grad", "gradient_norm", ".2g"),
)
"""Heading, figure of a rung, and how it is written: RankIC and t of validation days, RankIC of days it learnt from,
spread of scores, norm of the gradient."""


@dataclass
class _Told:
    """Tells each rung as it ends."""

    is_quiet: bool

    def advance(self, n: int, text: str) -> None:
        """One more rung."""
        if not self.is_quiet:
            console.print(f"[dim]{escape(text)}[/]")


def diagnose(
    run: Annotated[str, typer.Argument(help="a run's folder under <cache>/runs, a network, or a preset")],
    cutoff: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="of a design: last session known; empty: the newest")
    ] = None,
    dials: Annotated[
        list[str] | None, typer.Option("--set", help="of a network: a dial, e.g. loss.ranknet=0.2")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="epochs of every rung")] = 4,
    days: Annotated[int, typer.Option(help="training days, the last ones")] = 120,
    validation: Annotated[int, typer.Option(help="validation days, the last ones")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Find out why a network learns nothing: train it rung by rung on a small budget, name the first that fails.

    Looks at training and validation days alone and keeps nothing. Exit code 1 when a rung fails.
    """
    from assets.models import training_data
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.training.diagnosis import diagnose as diagnosed
    from gogoku_pipeline.training.diagnosis_rungs import Budget

    budget, place = Budget(epochs, days, validation), deployment()
    compute, recipe, kept = chosen(run, sizes_of(place), dials or ())
    data = training_data(place.open_store(), compute)
    case, said = asked(recipe, kept, compute, data, cutoff)
    found = diagnosed(case, data, budget, _Told(as_json))
    if as_json:
        print(json.dumps(document(run, case, found, said)))
    else:
        told(found, case.recipe.name, said)
    if found.first:
        raise typer.Exit(1)


def chosen(run: str, compute: "Compute", dials: Sequence[str]) -> "tuple[Compute, NetworkRecipe, StoredRun | None]":
    """Sizes that give the network all it reads, its design, and the run where one was named.

    Args:
        run: folder of a run, network or preset.
        compute: sizes of the place.
        dials: of a network that is named.

    Raises:
        ConfigError: none of them; a run that tells no design; dials of something that is settled.
    """
    from gogoku_pipeline.training.diagnosis_runs import find_run, stored_run
    from gogoku_pipeline.training.presets import EARLIER, OURS, preset
    from resources.compute import NETWORKS
    from resources.recipes import recipe

    computing: dict[str, Any] = {"device": compute.device, "threads": compute.threads}
    folder, made, kept = find_run(compute.cache_dir / "runs", run), None, None
    if folder is not None:
        kept = stored_run(folder, computing)
        made = kept.recipe
    elif run in (*EARLIER, *OURS):
        made = preset(run)
        made = replace(made, train=replace(made.train, **computing))
    elif run not in NETWORKS:
        want = f"a folder with run.jsonl, {', '.join(NETWORKS)}, or a preset such as {EARLIER[0]}"
        remedy = f"Look for runs in {compute.cache_dir / 'runs'}."
        raise ConfigError(f"run {run!r}", got="no run and no design of this name", want=want, remedy=remedy)
    compute = with_dials(compute, run, dials)
    made = made or recipe(run, compute)
    if made.family not in compute.challengers:
        compute = replace(compute, challengers=(*compute.challengers, made.family))
    return compute, made, kept


def asked(
    recipe: "NetworkRecipe",
    kept: "StoredRun | None",
    compute: "Compute",
    data: "TrainingData",
    cutoff: datetime | None,
) -> "tuple[Case, tuple[str, ...]]":
    """What is diagnosed, and what a kept run said of itself.

    Args:
        recipe: the design.
        kept: the run, for its days and its seed.
        compute: sizes of the place.
        data: panel and labels.
        cutoff: of a design: its last fold's training and validation days are taken.
    """
    from gogoku_pipeline.training.diagnosis_fits import Case

    if kept is not None:
        changed = "the panel has changed since this run: features or sessions are others now"
        said = (*kept.said, *([changed] if kept.panel != data.panel.content_key else []))
        return Case(recipe, *kept.days(data.sessions), kept.horizon_d, kept.seed), said
    day, terms = cutoff.date() if cutoff else data.panel.sessions[-1], compute.terms
    fold = terms.folds(data.sessions, day)[-1]
    return Case(recipe, fold.train, fold.validation, terms.gate.horizon_d, terms.seeds[0]), ()


def told(found: "Diagnosis", name: str, said: tuple[str, ...]) -> None:
    """The rungs as a table, then the verdict."""
    console.print(table_of(found, name))
    for rung in found.rungs:
        for remark in rung.remarks:
            console.print(f"[dim]{_plain(rung.name)}: {escape(remark)}[/]")
        shares = {name: value for name, value in rung.figures.items() if name.startswith("gradient_share_")}
        if len(shares) > 1:
            words = ", ".join(f"{name.removeprefix('gradient_share_')} {value:.0%}" for name, value in shares.items())
            console.print(f"[dim]{_plain(rung.name)}: gradient shares {words}[/]")
    for words in said:
        console.print(f"[dim]the run itself: {escape(words)}[/]")
    style = "bold red" if found.first else "green"
    console.print(f"[{style}]{escape(found.meaning)}[/] {escape(found.remedy)}")


def table_of(found: "Diagnosis", name: str) -> Table:
    """One line per rung, the first that fails in bold."""
    table = Table(title=f"{name}, rung by rung", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("rung", *(heading for heading, _, _ in FIGURES), "answer"):
        table.add_column(heading, justify="left" if heading in ("rung", "answer") else "right", no_wrap=True)
    for rung in found.rungs:
        style = STYLES.get(rung.status, "bold red")
        answer = f"[{style}]{rung.status}[/]"
        table.add_row(_plain(rung.name), *_figures(rung), answer, style="bold" if rung.name == found.first else "")
    return table


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _figures(rung: "RungResult") -> list[str]:
    values = [(rung.figures.get(figure, math.nan), form) for _, figure, form in FIGURES]
    return [format(value, form) if math.isfinite(value) else "-" for value, form in values]


def document(run: str, case: "Case", found: "Diagnosis", said: tuple[str, ...]) -> dict[str, Any]:
    """The diagnosis as JSON holds it."""
    rungs = [
        {
            **asdict(rung),
            "adds": rung.adds,
            "figures": {name: value if math.isfinite(value) else None for name, value in rung.figures.items()},
        }
        for rung in found.rungs
    ]
    verdict = {"first": found.first, "meaning": found.meaning, "remedy": found.remedy}
    return {"run": run, "design": case.recipe.name, "seed": case.seed, "said": list(said), "rungs": rungs, **verdict}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(diagnose)
