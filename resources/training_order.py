"""What a training process is told, and carrying it out. The same order gives the same model wherever it is carried out.

Belongs here: the order as a document, and the one road from it to a kept version. No Dagster: a pod needs none.
Does not belong here: how a version is fitted (`gogoku_pipeline.training`), who carries orders out (`trainer`).
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.settings import object_store_options
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.companions import open_companions
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.dataset.panel_map import MANIFEST, open_panel
from gogoku_pipeline.store import Store, open_store
from resources.compute import Compute
from resources.recipes import recipe

if TYPE_CHECKING:
    from gogoku_pipeline.training.final import ModelVersion
    from gogoku_pipeline.training.recipes import Recipe

PANELS = "panels"


@dataclass(frozen=True)
class TrainingOrder:
    """What a training process is told; plain enough to travel as JSON, exact enough to be refused.

    Attributes:
        model: which recipe.
        cutoff: last session anything may be known of.
        compute: sizes and dials; its cache folder must hold the panel where the order is carried out.
        store_url: labels are read there, the version is kept there.
        panel_key: content of the panel.
        companions: what lies beside it, by name.
        labels_version: version of the label table.
        config_hash: of the recipe these dials give.
    """

    model: str
    cutoff: date
    compute: Compute
    store_url: str
    panel_key: str
    companions: tuple[str, ...]
    labels_version: int | None
    config_hash: str

    def document(self) -> dict[str, Any]:
        """The order as JSON holds it."""
        found: dict[str, Any] = _ORDERS.dump_python(self, mode="json")
        return found

    @classmethod
    def read(cls, document: Any) -> "TrainingOrder":
        """The order of a document; raises ConfigError naming the field that cannot be read."""
        try:
            return _ORDERS.validate_python(document)
        except ValidationError as problem:
            first = problem.errors()[0]
            raise ConfigError(
                f"training order, {'.'.join(str(part) for part in first['loc'])}",
                got=repr(first["input"])[:80],
                want=str(first["msg"]),
                remedy="Send the document of a TrainingOrder.",
            ) from None


_ORDERS = TypeAdapter(TrainingOrder)


def order_of(store: Store, compute: Compute, data: TrainingData, model: str, cutoff: date) -> TrainingOrder:
    """The order to train a model on this very panel and these very labels."""
    labels, design = store.tables.version(LABELS), recipe(model, compute).config_hash
    panel = data.panel
    return TrainingOrder(model, cutoff, compute, store.url, panel.key, panel.companions, labels, design)


def carry_out(order: TrainingOrder) -> "ModelVersion":
    """Train what an order says; called in this process by whoever likes, and by the script in its own.

    Raises:
        ConfigError: see `opened`.
    """
    store, data = opened(order)
    return trained_here(store, order.compute, data, order.model, order.cutoff)


def opened(order: TrainingOrder) -> tuple[Store, TrainingData]:
    """The store and the data of an order.

    Raises:
        ConfigError: the panel is not in the cache folder, or the dials give another recipe here.
    """
    panels = order.compute.cache_dir / PANELS
    if not (panels / order.panel_key / MANIFEST).is_file():
        raise ConfigError(
            f"panel {order.panel_key}",
            got=f"no such panel in {panels}",
            want="the panel of the order",
            remedy="Share the cache folder with the training process, or materialise data__panel there.",
        )
    design = recipe(order.model, order.compute).config_hash
    if design != order.config_hash:
        raise ConfigError(
            f"training order of {order.model}",
            got=f"a recipe of hash {design[:12]} here",
            want=order.config_hash[:12],
            remedy="Run the training process from the code that gave the order.",
        )
    store = open_store(order.store_url, object_store_options(), probe=False)
    labels = store.tables.scan(LABELS, version=order.labels_version).collect()
    panel = open_companions(open_panel(panels, order.panel_key), order.companions)
    return store, TrainingData(panel, labels)


def trained_here(store: Store, compute: Compute, data: TrainingData, model: str, cutoff: date) -> "ModelVersion":
    """The version of a cut-off, trained in this process or found already trained."""
    from gogoku_pipeline.training.final import train_version

    terms, made = compute.terms, starting(store, compute, data, recipe(model, compute), cutoff)
    shape = (terms.gate.horizon_d, terms.validation)
    return train_version(made, data, cutoff, terms.seeds, store, *shape)


def starting(store: Store, compute: Compute, data: TrainingData, made: "Recipe", cutoff: date) -> "Recipe":
    """The recipe as a cut-off trains it: from the last weights where it refreshes the champion, else from scratch.

    Source: warm-start daily refresh and weekly full training; a refresh is no new trial, its weights still have to pass
    the cheap checks.
    """
    from gogoku_pipeline.registry.champions import Serving, champion, serving_champion
    from gogoku_pipeline.training.recipes import KeepsRuns
    from gogoku_pipeline.training.warm_start import is_same_design, warmed

    before = [session for session in data.sessions if session < cutoff][-1:]
    is_new_week = not before or before[0].isocalendar()[:2] != cutoff.isocalendar()[:2]
    chosen = champion(store, cutoff)
    if not compute.warm_epochs or is_new_week or not isinstance(made, KeepsRuns) or chosen.model != made.name:
        return made
    serves = serving_champion(store, chosen, before[0])
    if not isinstance(serves, Serving) or not is_same_design(made, serves.manifest, data):
        return made
    if date.fromisoformat(str(serves.manifest["cutoff"])) >= cutoff:
        return made
    return warmed(made, store.artefacts.load(made.name, serves.version), data, cutoff, compute.warm_epochs)
