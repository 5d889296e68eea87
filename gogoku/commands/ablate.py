"""`gogoku ablate`: which blocks of a network, or which groups of features, earn their place.

Belongs here: options to variants, the answers as a table and as files. Does not belong here: variants, fitting, judging
(training).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gogoku.commands.train import record, with_dials
from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    from gogoku_pipeline.core.clocks import Clock
    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.evaluation.significance import Interval
    from gogoku_pipeline.store import Store
    from gogoku_pipeline.training.ablation import Ablation
    from gogoku_pipeline.training.ablation_table import Judged
    from resources.compute import Compute

console = Console(soft_wrap=True)
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
STYLES = {"helps": "green", "seems to help": "green", "seems to hurt": "red", "hurts": "red"}
"""Verdicts that say something of a block."""
RAW_CHANNELS = ("ret_1d",)
"""Read as they are by the blocks over raw channels, where the design names no channels of its own: daily returns."""
MODEL = Annotated[str, typer.Argument(help="recipe: apex_ranker, atft_gat_fan; with groups also lightgbm")]


@dataclass(frozen=True)
class Wanted:
    """What is asked for on the command line.

    Attributes:
        model: recipe.
        names: blocks, or groups of features; empty for all.
        groups: whether groups of features are taken away one by one, instead of blocks turned.
        seeds: fits per variant and fold.
        folds: test blocks that are judged, the newest ones; 0 for all of the registered walk.
    """

    model: str
    names: tuple[str, ...] = ()
    groups: bool = False
    seeds: int = 3
    folds: int = 0

    @property
    def kind(self) -> str:
        """What is turned."""
        return "groups" if self.groups else "blocks"


def ablate(
    model: MODEL,
    blocks: Annotated[
        list[str] | None, typer.Option(help="a block, e.g. graph, or with --groups a group, e.g. returns; none: all")
    ] = None,
    groups: Annotated[bool, typer.Option("--groups", help="take away one group of features at a time instead")] = False,
    seeds: Annotated[int, typer.Option(min=3, help="fits per variant and fold")] = 3,
    epochs: Annotated[int, typer.Option(min=0, help="most epochs of a fit; 0: the design's")] = 0,
    folds: Annotated[int, typer.Option(min=0, help="newest test blocks of the walk that are judged; 0: all")] = 0,
    dials: Annotated[list[str] | None, typer.Option("--set", help="a dial of the reference")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Turn every block of a design, or take away every group of features, and say whether it helps.

    Reference and variants are walked forward with the same seeds and paired by day; each is a trial on the ledger. An
    ablation that was interrupted goes on. The table is also written under <cache>/ablation.
    """
    from assets.models import training_data
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of

    wanted = Wanted(model, tuple(blocks or ()), groups, seeds, folds)
    place = deployment()
    store, compute = place.open_store(), reference(sizes_of(place), model, dials or (), epochs)
    data = training_data(store, with_companions(compute, wanted))
    asked = question(compute, data, wanted)
    found = answers(store, compute, data, asked, place.clock, is_quiet=as_json)
    files = written(compute.cache_dir / "ablation", wanted, asked, found)
    if as_json:
        print(files[1].read_text())
        return
    console.print(table_of(found, wanted))
    for name, why in asked.variants.left_out.items():
        console.print(f"[dim]{escape(name)}: not tried, {escape(why)}[/]")
    console.print(f"[dim]{escape(str(files[0]))}[/]")


def reference(compute: "Compute", model: str, dials: Sequence[str], epochs: int) -> "Compute":
    """Sizes whose design of this model is the reference."""
    turned = with_dials(compute, model, dials)
    if not epochs:
        return turned
    smoothing = min(epochs, turned.dials(model).training.get("smoothing", epochs), 3)
    return with_dials(turned, model, [f"train.epochs={epochs}", f"train.smoothing={smoothing}"])


def with_companions(compute: "Compute", wanted: Wanted) -> "Compute":
    """Sizes whose panel also holds what blocks that are off would read: the graph, a raw channel.

    Raises:
        ConfigError: an unknown model.
    """
    from resources.compute import NETWORKS
    from resources.recipes import GRAPH_NETWORK, MODELS, shape_of

    model = wanted.model
    if model not in MODELS:
        raise ConfigError(model, got="an unknown name", want=f"one of {MODELS}", remedy="Correct the name.")
    if model not in NETWORKS:
        return compute
    dials = []
    if model == GRAPH_NETWORK and not wanted.groups:
        beside = {"raw_channels": RAW_CHANNELS, "graph_heads": (1,)}
        shape = shape_of(model, compute)
        dials = [f"model.{name}={json.dumps(value)}" for name, value in beside.items() if not getattr(shape, name)]
    panel = with_dials(compute, model, dials)
    return replace(panel, challengers=tuple(dict.fromkeys((*panel.challengers, model))))


def question(compute: "Compute", data: "TrainingData", wanted: Wanted) -> "Ablation":
    """Reference, variants, folds and terms.

    Raises:
        ConfigError: blocks of a model that has none, an unknown block or group, too few folds.
    """
    from gogoku_pipeline.graph.catalogue import catalogue
    from gogoku_pipeline.training.ablation import Ablation
    from gogoku_pipeline.training.recipe_network import NetworkRecipe
    from gogoku_pipeline.training.variants import MARKET, RAW, block_variants, group_variants
    from resources.recipes import recipe

    made, known = recipe(wanted.model, compute), catalogue(compute.graph, compute.plan, compute.feature_set)
    if wanted.groups:
        variants = group_variants(made, data.names, groups_of(known.features, wanted.names))
    elif isinstance(made, NetworkRecipe):
        market = tuple(name for name, role in known.roles.items() if role == "market" and name in data.names)
        raw = data.panel.raw.names if data.panel.raw is not None else ()
        variants = block_variants(made, {RAW: raw, MARKET: market}, wanted.names)
    else:
        raise ConfigError(
            f"blocks of {wanted.model}", got="none", want="a network", remedy="Name a network, or --groups."
        )
    terms = compute.terms
    folds = terms.folds(data.sessions, data.sessions[-1])
    seeds = (*terms.seeds, *(seed for seed in range(1, wanted.seeds + 1) if seed not in terms.seeds))[: wanted.seeds]
    gate = terms.gate
    return Ablation(
        variants, tuple(folds[-wanted.folds :]), seeds, gate.horizon_d, gate.label, gate.level, gate.resamples
    )


def groups_of(features: Sequence[Any], named: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Names of the features of each group, or of the named groups; raises ConfigError for an unknown one."""
    found: dict[str, list[str]] = {}
    for feature in features:
        found.setdefault(feature.group, []).append(feature.name)
    if unknown := sorted(set(named) - set(found)):
        raise ConfigError(
            f"groups {unknown}", got="unknown names", want=f"among {sorted(found)}", remedy="Correct them."
        )
    return {group: names for group, names in found.items() if not named or group in named}


def answers(
    store: "Store", compute: "Compute", data: "TrainingData", asked: "Ablation", clock: "Clock", *, is_quiet: bool
) -> "list[Judged]":
    """Train and judge every variant; each fit is written down as a trial before it is made."""
    from gogoku_pipeline.training.ablation import ablate as ablated

    fits = sum(len(asked.folds) * (len(asked.seeds) if each.recipe.is_seeded else 1) for each in asked.variants.tried)
    kept = compute.cache_dir / "ablation" / "fits"
    with shown(fits, is_quiet) as watcher:
        return ablated(
            asked,
            data,
            lambda trial: record(store, [(trial, ())], clock, "gogoku ablate"),
            cache_dir=kept,
            progress=watcher,
        )


@dataclass(frozen=True)
class _Bar:
    """A bar that advances with every fit."""

    progress: Progress
    task: Any

    def advance(self, n: int, text: str) -> None:
        """`n` more fits are done."""
        self.progress.update(self.task, advance=n, description=escape(text))


@contextmanager
def shown(fits: int, is_quiet: bool) -> Iterator[_Bar]:
    """A bar over the fits, on standard error; none where the answer is JSON."""
    with Progress(*COLUMNS, console=Console(stderr=True), disable=is_quiet) as progress:
        yield _Bar(progress, progress.add_task("ablation", total=fits))


def written(folder: Path, wanted: Wanted, asked: "Ablation", found: "Sequence[Judged]") -> tuple[Path, Path]:
    """Write the table as parquet, and as JSON with what it was judged by and what was left out."""
    from gogoku_pipeline.training.ablation_table import table_of as frame_of

    folder.mkdir(parents=True, exist_ok=True)
    rows = frame_of(found)
    files = folder / f"{wanted.model}-{wanted.kind}.parquet", folder / f"{wanted.model}-{wanted.kind}.json"
    rows.write_parquet(files[0])
    judged = [str(day) for fold in asked.folds for day in (fold.counted[0], fold.counted[-1])]
    told = {
        "model": wanted.model,
        "seeds": list(asked.seeds),
        "horizon_d": asked.horizon_d,
        "label": asked.label,
        "judged": judged,
        "left_out": dict(asked.variants.left_out),
        "variants": rows.to_dicts(),
    }
    files[1].write_text(json.dumps(told))
    return files


def table_of(found: "Sequence[Judged]", wanted: Wanted) -> Table:
    """One entry per variant; what it is compared with, where that is not the reference, stands under its name."""
    from gogoku_pipeline.training.variants import REFERENCE

    days, tried = found[0].rank_ic.n, len(found) - 1
    table = Table(title=f"{wanted.model}, {wanted.kind}: {wanted.seeds} seeds, {days} judged days")
    for heading in ("variant", "RankIC", "difference", "cost", "verdict"):
        table.add_column(heading, overflow="fold")
    for one in found:
        variant, gap = one.variant, one.difference
        name = variant.name if variant.against == REFERENCE else f"{variant.name}\nagainst {variant.against}"
        told = ""
        if gap is not None:
            seeds = " ".join(f"{value:+.3f}" for value in one.by_seed)
            told = f"{bounds(gap)}\nand seeds [{one.both[0]:+.4f}, {one.both[1]:+.4f}]\neach {seeds}"
        size = f"{one.parameters:,} numbers\n" if one.parameters else ""
        words = f"{variant.block}\n{one.verdict}" if one.verdict in STYLES else one.verdict
        cells = (name, bounds(one.rank_ic, "\n"), told, f"{size}{one.cpu_seconds:.0f} CPU-s", words)
        table.add_row(*(escape(cell) for cell in cells), style=STYLES.get(one.verdict))
    table.caption = (
        "Mean daily RankIC out of sample, differences paired by day. A block helps or hurts where the interval over"
        f" days and seeds leaves zero, as about {0.05 * tried:.1f} of {tried} would by luck alone; it seems to where"
        " the one over days does and every seed agrees."
    )
    return table


def bounds(interval: "Interval", apart: str = " ") -> str:
    """A mean with its interval."""
    return f"{interval.mean:+.4f}{apart}[{interval.low:+.4f}, {interval.high:+.4f}]"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ablate)
