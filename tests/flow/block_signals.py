"""Each block of the networks on a market whose signal is made for it: does the block earn its place?

    python -m tests.flow.block_signals [--seeds 3] [--epochs 8] [--patience 3] [--market 7] [--cache folder] [signal ..]

Markets are planted (`tests.unit.dataset.planted`): noise in which one thing is true. Reference of every market is the
house's own design of size small with its defaults, half as wide; the blocks named beside a signal are turned, each
against the reference (or against the block it builds upon), by the code behind `gogoku ablate`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import polars as pl
from scipy.special import ndtri
from scipy.stats import rankdata

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.companions import with_edges, with_raw
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.dataset.splits import walk_forward
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.network_config import NetworkConfig
from gogoku_pipeline.training.ablation import Ablation, ablate
from gogoku_pipeline.training.ablation_table import Judged
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.variants import MARKET, RAW, block_variants
from tests.unit.dataset.planted import PlantedMarket, planted_market

GROUP = 5
"""Stocks that are tied to each other."""
LOOP = TrainConfig(epochs=8, learning_rate=5e-3, min_names=20, device="cpu")
ATFT, APEX = AtftConfig.of("small", hidden=16), RankerConfig.of("small", look_back=10, d_model=16, d_ff=32)
PLACE = {RAW: ("ret_1d",), MARKET: ("mkt_ret_1d",)}
COMMON = ("layer_scale", "dropout", "averaging", "ic_loss", "listnet_loss", "huber_loss", "ranknet_loss")


@dataclass
class Scene:
    """A market while a signal is planted: numbers by [session, stock], and what lies beside the panel."""

    rng: np.random.Generator
    values: np.ndarray  # [T, N, F], what the features say; may be rewritten
    raw: np.ndarray  # [T, N], one channel
    edges: list[tuple[int, int]] = field(default_factory=list)


def plain(scene: Scene) -> np.ndarray:
    """Three features, one of them read by the sign of another."""
    one, two, three = scene.values[..., 0], scene.values[..., 1], scene.values[..., 3]
    return -one + 0.7 * two * np.sign(three) - 0.5 * three


def companions(scene: Scene) -> np.ndarray:
    """What the companions of a stock did."""
    days, names, _ = scene.values.shape
    ret = scene.values[..., 0].reshape(days, names // GROUP, GROUP)
    return (ret.sum(axis=2, keepdims=True) - ret).reshape(days, names)


def context(scene: Scene) -> np.ndarray:
    """One feature where a third is high, another one where it is low."""
    return np.where(scene.values[..., 3] > 0, scene.values[..., 0], scene.values[..., 1])


def order(scene: Scene) -> np.ndarray:
    """A feature as it stood six sessions ago; it is drawn anew every session."""
    return np.concatenate([np.zeros_like(scene.values[:6, :, 0]), scene.values[:-6, :, 0]])


def levels(scene: Scene) -> np.ndarray:
    """How far a raw channel lies from its own moving level and season."""
    days, names = scene.raw.shape
    jumps = scene.rng.normal(size=(days, names)) * (scene.rng.random((days, names)) < 1 / 30) * 3
    season = np.sin(2 * np.pi * (np.arange(days)[:, None] / 5 + scene.rng.random(names)))
    apart = scene.rng.normal(size=(days, names))
    scene.raw[:] = (np.cumsum(jumps, axis=0) + 2 * season + apart) / 50
    return -apart - np.concatenate([np.zeros((1, names)), apart[:-1]])


def regimes(scene: Scene) -> np.ndarray:
    """The day's market says which of two features counts, and which way."""
    market = scene.values[:, :1, -2] > 0
    return np.where(market, scene.values[..., 1], -scene.values[..., 3])


def crowd(scene: Scene) -> np.ndarray:
    """The sign of a feature is that of the day's correlation of two others, which no stock knows alone."""
    days = len(scene.values)
    turn = np.sign(np.sin(2 * np.pi * np.arange(days) / 17 + 1))[:, None]
    scene.values[..., 4] = turn * scene.values[..., 1] * 0.8 + 0.6 * scene.values[..., 4]
    return turn * scene.values[..., 3]


@dataclass(frozen=True)
class Signal:
    """What is planted, how strongly, and which blocks of which network are made for it."""

    plant: Callable[[Scene], np.ndarray]
    strength: float
    model: NetworkConfig
    blocks: tuple[str, ...]


SIGNALS = {
    "companions": Signal(companions, 0.4, ATFT, ("graph", "layer_scale")),
    "context": Signal(context, 0.4, ATFT, ("selection",)),
    "order": Signal(order, 0.4, ATFT, ("encoder", "layer_scale")),
    "levels": Signal(levels, 0.4, ATFT, ("raw_channels", "fan", "san", "frequency_dropout")),
    "regimes": Signal(regimes, 0.4, ATFT, ("market_gate", "regime_experts")),
    "crowd": Signal(crowd, 0.4, APEX, ("market_tokens",)),
    "plain_atft": Signal(plain, 0.15, ATFT, (*COMMON, "quantile_trunk", "selection_entropy")),
    "plain_apex": Signal(plain, 0.15, APEX, (*COMMON, "quantile_trunk")),
}


@dataclass(frozen=True)
class Answer:
    """What the oracle earns, what each variant does, and what could not be turned."""

    oracle: float
    found: list[Judged]
    left_out: dict[str, str]


def data_of(signal: Signal, folder: Path, seed: int, n_stocks: int = 40, n_sessions: int = 280) -> TrainingData:
    """The market of a signal as panel with graph and raw channel, and its labels."""
    market = planted_market(n_stocks=n_stocks, n_sessions=n_sessions, n_features=24, seed=seed, missing=0.0)
    names, days = market.catalogue.names, len(market.sessions)
    cells = market.features.select(names).to_numpy().reshape(days, n_stocks, len(names)).copy()
    scene = Scene(
        np.random.default_rng(seed + 1), cells, np.random.default_rng(seed + 2).normal(size=cells.shape[:2]) / 50
    )
    told = signal.plant(scene)
    flat = {name: pl.Series(scene.values[..., place].reshape(-1)) for place, name in enumerate(names)}
    features = market.features.with_columns(series.alias(name) for name, series in flat.items())
    panel = build_panel(
        features, market.universe, market.catalogue, Normaliser(market.catalogue), folder, {"feat__prices": seed}
    )
    panel = with_edges(panel, edges_of(market).lazy(), market.sessions, seed)
    raw = features.select("session", "code").with_columns(pl.Series("ret_1d", scene.raw.reshape(-1)))
    panel = with_raw(panel, [raw.lazy()], ("ret_1d",), {"feat__raw": seed})
    return TrainingData(panel, labels_of(market, told, signal.strength, seed))


def labels_of(market: PlantedMarket, told: np.ndarray, strength: float, seed: int) -> pl.DataFrame:
    """Labels that follow a signal of this variance against noise of 1."""
    noise = np.random.default_rng(seed + 3).normal(size=told.shape)
    outcome = 0.02 * (told / told.std() * np.sqrt(strength) + noise)
    gauss = np.stack([ndtri((rankdata(day) - 0.5) / len(day)) for day in outcome])
    return market.labels.with_columns(
        pl.Series("ret_open", outcome.reshape(-1)),
        pl.Series("excess_open", (outcome - outcome.mean(axis=1, keepdims=True)).reshape(-1)),
        pl.Series("gauss_open", gauss.reshape(-1)),
        pl.Series("oracle", told.reshape(-1)),
    )


def edges_of(market: PlantedMarket) -> pl.DataFrame:
    """Stocks in groups, everybody tied to the others, on every session."""
    pairs = [
        (market.codes[start + i], market.codes[start + j])
        for start in range(0, len(market.codes), GROUP)
        for i in range(GROUP)
        for j in range(i + 1, GROUP)
    ]
    known = {"weight": 0.6, "is_same_sector": True, "is_same_market": True, "weight_delta_20d": 0.0}
    told = [pl.lit(value, dtype=EDGES.polars_schema[name]).alias(name) for name, value in known.items()]
    one_day = pl.DataFrame(pairs, schema=["code_i", "code_j"], orient="row")
    return pl.DataFrame({"session": market.sessions}).join(one_day, how="cross").with_columns(told)


def judged(signal: Signal, data: TrainingData, seeds: int, loop: TrainConfig, fits: Path | None) -> Answer:
    """The blocks of a signal, judged, beside what its oracle earns on the same days."""
    folds = tuple(walk_forward(data.sessions, 1, 5, embargo=5, min_train=130, validation=25))
    variants = block_variants(NetworkRecipe(signal.model, loop), PLACE, signal.blocks)
    asked = Ablation(variants, folds, tuple(range(1, seeds + 1)), 5)
    found = ablate(asked, data, lambda trial: None, cache_dir=fits)
    best = data.labels.filter(pl.col("session").is_in(folds[0].counted)).rename({"oracle": "score"})
    oracle = daily_rank_ic(best.select("session", "code", "horizon_d", "score"), data.labels)["rank_ic"].mean()
    return Answer(float(oracle), found, dict(variants.left_out))


def told(name: str, answer: Answer) -> str:
    """An answer in lines."""
    lines = [f"\n{name}: oracle RankIC {answer.oracle:.3f}"]
    for one in answer.found:
        gap, (low, high) = one.difference, one.both
        seeds = " ".join(f"{value:+.3f}" for value in one.by_seed)
        words = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] and seeds [{low:+.4f}, {high:+.4f}]" if gap else ""
        cost = f"each {seeds}; {one.parameters:,} parameters, {one.cpu_seconds:.0f} CPU-s"
        lines.append(f"  {one.variant.name:28} {one.rank_ic.mean:.4f} {words:60} {one.verdict}; {cost}")
    return "\n".join([*lines, *(f"  {variant}: left out, {why}" for variant, why in answer.left_out.items())])


def main() -> None:
    """Turn the blocks of each signal and print what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("signals", nargs="*", choices=[*SIGNALS, []], default=[])
    for name, default in (("seeds", 3), ("market", 7), ("epochs", LOOP.epochs), ("patience", LOOP.patience)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    cache, loop = asked.cache or Path(mkdtemp()), replace(LOOP, epochs=asked.epochs, patience=asked.patience)
    for name in asked.signals or SIGNALS:
        folder = cache / f"{name}-{asked.market}"
        folder.mkdir(parents=True, exist_ok=True)
        data = data_of(SIGNALS[name], folder, asked.market)
        print(told(name, judged(SIGNALS[name], data, asked.seeds, loop, folder / "fits")), flush=True)


if __name__ == "__main__":
    main()
