"""The road under audit, as functions, and one walk of it: inputs, features, graph, normalised panel, scores.

Every function is the house's own unless a test hands in another one to plant a leak: what is audited is what is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.normaliser import CatalogueLike, NormalisedFrame, Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.dataset.splits import Fold, final_split, walk_forward
from gogoku_pipeline.features.append import append
from gogoku_pipeline.features.carried import Carried
from gogoku_pipeline.features.carrying import compute_carrying
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import LAST
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.graph import catalogue as frozen
from gogoku_pipeline.graph.catalogue import Catalogue
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.laws import Draw, Drawn, draw_graph
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.recipes import Recipe, over_windows

RETURNS = ("ret_1d", "ret_5d", "xs_ret_1d")
"""What edges are drawn from."""

Folds = Callable[[Sequence[date]], list[Fold]]
Split = Callable[[Sequence[date], date], tuple[tuple[date, ...], tuple[date, ...]]]
Scaler = Callable[[CatalogueLike], Normaliser]
Serve = Callable[[Panel, pl.DataFrame], TrainingData]


class Compute(Protocol):
    """The engine: `features.engine.compute`."""

    def __call__(
        self, names: Sequence[str], inputs: FeatureInputs, *, start: date, end: date, registry: Registry | None = None
    ) -> pl.DataFrame:
        """Features of a range."""
        ...


class Carry(Protocol):
    """The engine with what the next session needs: `features.carrying.compute_carrying`."""

    def __call__(
        self, names: Sequence[str], inputs: FeatureInputs, *, start: date, end: date, registry: Registry | None = None
    ) -> tuple[pl.DataFrame, Carried]:
        """Features of a range and the carried state."""
        ...


class Append(Protocol):
    """Features of new sessions from a carried state: `features.append.append`."""

    def __call__(
        self,
        names: Sequence[str],
        inputs: FeatureInputs,
        carried: Carried,
        *,
        start: date,
        end: date,
        registry: Registry | None = None,
    ) -> tuple[pl.DataFrame, Carried]:
        """Features of the new sessions and the state after them."""
        ...


@dataclass(frozen=True)
class Road:
    """How core rows become scores.

    Attributes:
        graph: how a session's graph is drawn.
        registry: where the features are declared.
        names: features under audit.
        horizon_d: label horizon that is learnt.
        panel: features models are fed, all among `names` or the graph's; None for all of both.
        folds: the walk that is judged, made of a panel's sessions.
        split: sessions a version learns from and stops on, made of a panel's sessions and a cut-off.
        recipes: what is fitted.
        compute, carry, append: the engine, whole and session by session.
        draw: draws edges and node features of sessions from returns.
        scaler: makes the normaliser from a catalogue.
        serve: brings panel and labels together.
    """

    graph: GraphConfig
    registry: Registry
    names: tuple[str, ...]
    horizon_d: int = 5
    panel: Catalogue | None = None
    folds: Folds = partial(walk_forward, n_folds=1, horizon_d=5)
    split: Split = partial(final_split, horizon_d=5)
    recipes: tuple[Recipe, ...] = (LadderRecipe("ridge"),)
    compute: Compute = compute
    carry: Carry = compute_carrying
    append: Append = append
    draw: Draw = draw_graph
    scaler: Scaler = Normaliser
    serve: Serve = TrainingData

    @property
    def public(self) -> tuple[str, ...]:
        """Features under audit that a panel holds: all but intermediates."""
        return tuple(name for name in self.names if not self.registry.feature(name).is_internal)


@dataclass(frozen=True)
class Walk:
    """One walk of the road over some inputs; each stage is made once, when somebody asks.

    Attributes:
        road: how.
        inputs: what the engine reads.
        labels: outcomes the models may learn from.
        first: session from which values are made.
        folder: where the panel is kept.
        seed: of the fits.
    """

    road: Road
    inputs: FeatureInputs
    labels: pl.DataFrame
    first: date
    folder: Path
    seed: int = 0

    @cached_property
    def features(self) -> pl.DataFrame:
        """Raw features, [session, code, names]."""
        road = self.road
        return road.compute(road.names, self.inputs, start=self.first, end=LAST, registry=road.registry)

    @cached_property
    def returns(self) -> pl.DataFrame:
        """What edges are drawn from."""
        frame = compute(RETURNS, self.inputs, start=self.first, end=LAST, registry=house()).lazy()
        return graph_returns(frame, frame, self.inputs.universe.lazy())

    def drawn(self, sessions: Sequence[date]) -> Drawn:
        """Edges and node features of some sessions."""
        return self.road.draw(self.returns, list(sessions), self.road.graph)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The features of the panel: the deployment's, or those under audit and the graph's."""
        if self.road.panel is not None:
            return self.road.panel
        own = tuple(self.road.registry.feature(name) for name in self.road.public)
        graph = frozen.catalogue(self.road.graph)
        nodes = tuple(member for member in graph.features if member.family == frozen.FAMILY)
        return Catalogue((*own, *nodes), f"{self.road.registry.hash()}-{graph.hash}")

    @cached_property
    def rules(self) -> Catalogue:
        """The features under audit alone, intermediates included."""
        return Catalogue(tuple(self.road.registry.feature(name) for name in self.road.names), self.catalogue.hash)

    @cached_property
    def normalised(self) -> NormalisedFrame:
        """Features under audit, each measured by its session's ruler."""
        return self.road.scaler(self.rules).transform(self.features, self.inputs.universe)

    @cached_property
    def sessions(self) -> tuple[date, ...]:
        """Sessions with features, ascending: those of the panel."""
        return tuple(self.features["session"].unique().sort())

    @cached_property
    def nodes(self) -> pl.DataFrame:
        """Node features of every session."""
        return self.drawn(self.returns["session"].unique().sort().to_list())[1]

    @cached_property
    def families(self) -> tuple[pl.DataFrame, ...]:
        """What the panel is made of: features, and node features where the panel has any."""
        return (self.features, self.nodes) if self._has_nodes else (self.features,)

    @property
    def _has_nodes(self) -> bool:
        return any(member.family == frozen.FAMILY for member in self.catalogue.features)

    @cached_property
    def panel(self) -> Panel:
        """The memory map models read."""
        return self.panel_of(self.families, self.inputs.universe)

    def panel_of(self, families: Sequence[pl.DataFrame], universe: pl.DataFrame) -> Panel:
        """A panel of these rows, kept in this walk's folder."""
        inside = universe.filter(pl.col("session") >= self.first)
        scaler = self.road.scaler(self.catalogue)
        return build_panel(list(families), inside, self.catalogue, scaler, self.folder, {})

    @cached_property
    def data(self) -> TrainingData:
        """What models learn from."""
        return self.road.serve(self.panel, self.labels)

    def members(self, session: date) -> set[str]:
        """Codes of the cross-section that is learnt from and scored on a session; no other needs a graph for it."""
        data = self.data if "data" in vars(self) else self._around(session)
        return {data.panel.codes[place] for place in data.members(session)}

    def _around(self, session: date) -> TrainingData:
        """What models learn from, with the node features of one session alone."""
        nodes = (self.drawn([session])[1],) if self._has_nodes else ()
        other = replace(self, folder=self.folder.with_name(f"{self.folder.name}-members"))
        return self.road.serve(other.panel_of((self.features, *nodes), self.inputs.universe), self.labels)

    def scores(self, recipe: Recipe, cutoff: date, data: TrainingData | None = None) -> pl.DataFrame:
        """Scores of a session by a version trained at it, [session, code, horizon_d, score]; of its own data once."""
        if data is not None:
            return self._scored(recipe, cutoff, data)
        asked = recipe.config_hash, cutoff
        if asked not in self._own_scores:
            self._own_scores[asked] = self._scored(recipe, cutoff, self.data)
        return self._own_scores[asked]

    @cached_property
    def _own_scores(self) -> dict[tuple[str, date], pl.DataFrame]:
        return {}

    def _scored(self, recipe: Recipe, cutoff: date, known: TrainingData) -> pl.DataFrame:
        train, validation = self.road.split(known.sessions, cutoff)
        walked = over_windows(recipe, known, [train])
        fitted = walked.fit(known, train, validation, self.seed, self.road.horizon_d)
        return fitted.score(known, [cutoff])
