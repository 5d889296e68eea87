"""The graph network on markets of known truth: what it recovers of the oracle, and what its graph is worth.

    python -m tests.flow.planted_graph [--seeds 11 12 13 14 15] [--arms on off] [--out planted_graph.jsonl]

Each seed makes two markets, `on` and `off`: both hold the reversal, `on` also holds the graph effect (own move of the
week x pull of the relatives' volume), which no column of the catalogue aggregates. The road is the real one below the
orchestrator: the simulator's answers, landed, typed, staged, features, graph, panel, then the judge's walk forward (one
fold; embargo and validation as the judge has them), five sessions ahead. Judged per market:

- oracle: the simulator's own expectation, over the same rows;
- lightgbm, ridge: the columns of the decision session;
- atft_without_graph: the same columns of the same session, no edges;
- atft_gat_fan: the same and the session's graph, so that only edges set it apart;
- shuffled_...: LightGBM and the graph network where labels were dealt anew among the stocks of each day, learnt and
  judged on these labels (`on` only).

Every judged model of a market is a line of FILE with its RankIC of each day; an interrupted study goes on where it
stopped. Intervals are 95 % stationary bootstrap over days; pooled ones put the days of all seeds one after another, in
the seeds' order, so that each market counts by its days. Beside them stands the t interval over the seeds' own means,
for which a market is one observation. Settings were chosen on markets of other seeds (901 to 904).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.companions import with_edges
from gogoku_pipeline.dataset.labels import build_labels
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.dataset.splits import Fold, walk_forward
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.graph.catalogue import FAMILY, Catalogue, catalogue
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.node_features import compute_node_features
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.simulator.oracle import oracle_scores
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, factor_events, stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.recipes import Recipe
from gogoku_pipeline.training.walk_forward import run_walk_forward
from tests.flow.planted_graph_table import ORACLE, Line, comparison, table
from tests.laws.features.small_sources import Library

START, HORIZON_D, WARM_UP = date(2020, 10, 5), 5, 60
COLUMNS = (
    *("ret_1d", "ret_5d", "ret_20d", "sma_gap_5d", "rel_sec33_5d", "vol_20d", "beta_60d"),
    *("log10_adv_20d_jpy", "volume_ratio_1_20", "volume_ratio_5_60", "xs_ret_1d", "mkt_ret_1d"),
)
"""Columns of prices and volumes that speak of the planted effects; those of the graph family come on top."""
GRAPH = GraphConfig(window=120, half_life=120.0, threshold=0.4, min_nodes=60)
"""Relatives stay relatives for years in this market: a longer memory than the house's, and fewer chance ties."""
ARMS = {
    "on": replace(Dials.zero(), overall=1.0, reversal=4.0, graph=2.8),
    "off": replace(Dials.zero(), overall=1.0, reversal=4.0),
}
BAR, PLAIN, TIED = "lightgbm", "atft_without_graph", "atft_gat_fan"
LOOP = TrainConfig(
    epochs=6, days_per_step=4, learning_rate=1e-2, weight_decay=0.01, patience=6, smoothing=1, device="cpu"
)
SHAPE = AtftConfig.of("tiny", look_back=1, layer_scale=0.0, signed_graph=True)
RECIPES: tuple[Recipe, ...] = (
    BoostedRecipe(BoostedConfig()),
    LadderRecipe("ridge"),
    NetworkRecipe(replace(SHAPE, graph_heads=()), LOOP, PLAIN),
    NetworkRecipe(SHAPE, LOOP),
)
SHUFFLED = (BAR, TIED)
SEEDS = (11, 12, 13, 14, 15)


@dataclass(frozen=True)
class Size:
    """How large a market is and how it is cut."""

    issues: int = 400
    sessions: int = 560
    min_train: int = 290
    validation: int = 40
    embargo: int = 20

    def fold(self, sessions: Sequence[date]) -> Fold:
        """The one fold; the first sessions have no graph and no features worth the name."""
        usable = sessions[WARM_UP:]
        return walk_forward(
            usable, 1, HORIZON_D, embargo=self.embargo, min_train=self.min_train, validation=self.validation
        )[0]


@dataclass(frozen=True)
class Made:
    """One market on the panel: what models read, what happened, who belongs."""

    market: Market
    data: TrainingData
    known: Catalogue
    features: pl.DataFrame
    universe: pl.DataFrame

    def daily(self, scores: pl.DataFrame, labels: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
        """[session, rank_ic] of some days."""
        asked = scores.filter(pl.col("session").is_in(list(days))).drop_nulls("score")
        found = daily_rank_ic(asked, labels, universe=self.universe).select("session", pl.col("rank_ic").fill_nan(None))
        axis = pl.DataFrame({"session": days}, schema={"session": pl.Date})
        return axis.join(found, on="session", how="left").sort("session")


def made(market: Market, folder: Path) -> Made:
    """The road from a market to its panel with the graph beside it."""
    days = market.sessions
    library = Library(market, open_store(f"file://{folder}/data"))
    bars, listed, topix = (library.table(name, days) for name in ("daily_bars", "listed_issues", "topix"))
    prices = stage_prices(bars, extra=tuple(EXTRA_COLUMNS))
    universe = build_universe(bars, listed, days, UniverseConfig())
    inputs = FeatureInputs(prices, universe, topix, factors=factor_events(bars))
    features = compute(COLUMNS, inputs, start=days[0], end=days[-1])
    returns = graph_returns(features.lazy(), features.lazy(), universe.lazy())
    edges = build_edges(returns, days[WARM_UP:], GRAPH)
    nodes = compute_node_features(edges, returns, days[WARM_UP:], GRAPH)
    whole = catalogue(GRAPH)
    known = Catalogue(tuple(f for f in whole.features if f.name in COLUMNS or f.family == FAMILY), whole.hash)
    betas = features.select("session", "code", "beta_60d")
    labels = build_labels(prices, universe, topix, betas, tse_calendar(), [HORIZON_D])
    cache = folder / "cache"
    cache.mkdir()
    panel = build_panel([features, nodes], universe, known, Normaliser(known), cache, {}, sessions=days)
    tied = with_edges(panel, edges.lazy(), days[WARM_UP:], 1)
    every = features.join(nodes, on=["session", "code"], how="left")
    return Made(market, TrainingData(tied, labels), known, every, universe)


def shuffled(labels: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Labels dealt anew among the stocks of each day; every stock without one stays without."""
    values = [name for name in labels.columns if name not in ("session", "code", "horizon_d")]
    has, lacks = (labels.filter(pl.col("ret_open").is_not_null() == there) for there in (True, False))
    order = pl.Series(np.random.default_rng(seed).random(has.height))
    dealt = has.with_columns(_order=order).sort("session", "horizon_d", "_order").select(values)
    stocks = has.sort("session", "horizon_d", "code").select("session", "code", "horizon_d")
    told = pl.concat([stocks.hstack(dealt).select(labels.columns), lacks])
    return told.sort("session", "code", "horizon_d")


def planted_part(market: Market) -> pl.DataFrame:
    """What the graph effect alone adds to the oracle's scores: session, code, horizon_d, score."""
    without = tuple(replace(dials, graph=0.0) for dials in market.dials)
    plain = oracle_scores(
        market.sessions, market.listings, market.exposures, market.history, without, HORIZON_D
    )  # the path as it happened, the law without the graph
    key = ["session", "code", "horizon_d"]
    both = market.oracle_scores(HORIZON_D).join(plain, on=key, suffix="_plain")
    return both.select(*key, score=pl.col("score") - pl.col("score_plain"))


def closest_column(found: Made, days: Sequence[date]) -> tuple[str, float]:
    """The column that ranks most like the graph's own part, and its mean daily rank correlation with it."""
    part = planted_part(found.market).filter(pl.col("session").is_in(list(days)))
    truth = part.select("session", "code", "horizon_d", ret_open="score")
    likeness = {}
    for name in found.known.names:
        column = found.features.select("session", "code", score=pl.col(name).cast(pl.Float64))
        scores = column.with_columns(horizon_d=pl.lit(HORIZON_D, pl.Int16))
        mean = found.daily(scores, truth, days)["rank_ic"].mean()
        likeness[name] = 0.0 if mean is None else float(mean)
    best = max(likeness, key=lambda name: abs(likeness[name]))
    return best, likeness[best]


def judged(seed: int, arm: str, size: Size, skip: frozenset[str]) -> Iterator[dict[str, object]]:
    """The lines of one market, model by model; `skip` names those that are there already."""
    market = generate_market(MarketConfig(size.issues, size.sessions, START, seed, ARMS[arm]))
    with TemporaryDirectory() as folder:
        found = made(market, Path(folder))
        fold = size.fold(found.data.sessions)
        labels = found.data.labels
        about = {"seed": seed, "arm": arm, "issues": size.issues, "sessions": size.sessions}

        def line(model: str, scores: pl.DataFrame, outcome: pl.DataFrame, cpu: float) -> dict[str, object]:
            daily = found.daily(scores, outcome, fold.counted)
            return {**about, "model": model, "cpu_s": round(cpu, 1), "daily": daily["rank_ic"].to_list()}

        if ORACLE not in skip:
            name, like = closest_column(found, fold.counted) if arm == "on" else ("", 0.0)
            groups = dict(Counter(feature.group for feature in found.known.features))
            told = {"closest": name, "likeness": like, "groups": groups}
            yield line(ORACLE, market.oracle_scores(HORIZON_D), labels, 0.0) | told
        dealt = {"": labels} | ({"shuffled_": shuffled(labels, seed)} if arm == "on" else {})
        for prefix, outcome in dealt.items():
            data = found.data if not prefix else TrainingData(found.data.panel, outcome)
            for recipe in RECIPES:
                name = prefix + recipe.name
                if name not in skip and (not prefix or recipe.name in SHUFFLED):
                    started = time.process_time()
                    walk = run_walk_forward(recipe, data, [fold], (1,), HORIZON_D)
                    scores = walk.scores.drop("is_counted", "model", "fold", "seed")
                    yield line(name, scores, outcome, time.process_time() - started)


def study(seeds: Sequence[int], arms: Sequence[str], size: Size, out: Path) -> list[dict[str, object]]:
    """Judge what FILE does not hold yet, and return all lines asked for."""
    wanted = [recipe.name for recipe in RECIPES]
    for seed in seeds:
        for arm in arms:
            names = {ORACLE, *wanted, *(f"shuffled_{name}" for name in SHUFFLED if arm == "on")}
            done = {str(row["model"]) for row in lines(out) if (row["seed"], row["arm"]) == (seed, arm)}
            if names <= done:
                continue
            with out.open("a") as file:
                for row in judged(seed, arm, size, frozenset(done)):
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    print(
                        f"seed {seed} {arm:3} {row['model']:22} {mean_of(row):+.4f}  {row['cpu_s']} CPU-s", flush=True
                    )
    return [row for row in lines(out) if row["seed"] in seeds and row["arm"] in arms]


def summary(rows: Sequence[Line], arms: Sequence[str]) -> list[str]:
    """The tables, the paired differences, and the columns closest to the graph's part."""
    texts: list[str] = []
    for arm in arms:
        texts += table(rows, arm, HORIZON_D)
        for other in (BAR, PLAIN):
            texts += comparison(rows, arm, TIED, other, HORIZON_D)
    near = [row for row in rows if (row["arm"], row["model"]) == ("on", ORACLE)]
    told = ", ".join(f"{row['closest']} {row['likeness']:+.3f} (seed {row['seed']})" for row in near)
    return [*texts, f"closest to the graph's part of the oracle, rank correlation: {told}"]


def lines(out: Path) -> list[dict[str, object]]:
    """All judged lines of a file; none where there is no file."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def mean_of(row: dict[str, object]) -> float:
    return float(np.nanmean(np.array(row["daily"], dtype=np.float64)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--out", type=Path, default=Path("planted_graph.jsonl"))
    given = parser.parse_args()
    rows = study(given.seeds, given.arms, Size(), given.out)
    for text in summary(rows, given.arms):
        print(text)


if __name__ == "__main__":
    main()
