"""How fast networks are trained and asked: stock-days per second, beside what the machine's matrix product reaches.

    python -m benchmarks.networks [--presets ranker_base atft_base] [--names 500] [--device cpu] [--threads 1]

One day of synthetic stocks with all features of the catalogue and 20 edges each; forward and backward of the mean
square of scores, without optimiser and loss (both are small beside it). The best of some rounds, CPU seconds of the
process on the CPU, wall seconds on a GPU (bfloat16 trunk there). `share` is the achieved rate over that of a square
matrix product in the same type: matrix products and LSTMs are counted, three times the forward for training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.graph.catalogue import catalogue
from gogoku_pipeline.models.network import DayInputs, Edges, Network
from gogoku_pipeline.models.networks import make_network
from gogoku_pipeline.training.presets import EARLIER, OURS, preset

EDGES_PER_STOCK, UNIVERSE, SIDE, COUNTED = 20, 4000, 2048, 32


def day(names: int, look_back: int, features: int, device: torch.device, seed: int = 6) -> DayInputs:
    """One day of stocks whose values are normal scores, a tenth of them missing, with a random graph."""
    rng = stream(seed, "networks")
    values = torch.from_numpy(rng.standard_normal((names, look_back, features), dtype="float32"))
    valid = torch.from_numpy((rng.random((names, look_back, features)) > 0.1).astype("float32"))
    one_way = torch.from_numpy(rng.integers(0, names, (2, names * EDGES_PER_STOCK // 2)))
    one_way = one_way[:, one_way[0] != one_way[1]]
    index = torch.cat([one_way, one_way.flip(0)], dim=1)
    attributes = torch.from_numpy(rng.standard_normal((index.shape[1], 4), dtype="float32"))
    return DayInputs(
        values=(values * valid).to(device),
        valid=valid.to(device),
        day=torch.zeros(names, dtype=torch.int64, device=device),
        edges=Edges(index.to(device), attributes.to(device)),
    )


def forward_flops(network: Network, inputs: DayInputs) -> float:
    """Floating point operations of one forward pass: matrix products as torch counts them, LSTMs by formula."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(inputs)
    sessions = inputs.values.shape[0] * inputs.values.shape[1]
    lstms = [part for part in network.modules() if isinstance(part, nn.LSTM)]
    return counter.get_total_flops() + sum(
        2.0 * 4 * part.hidden_size * (part.input_size + part.hidden_size) * sessions * part.num_layers for part in lstms
    )


def best(action: Callable[[], None], device: torch.device, rounds: int) -> float:
    """Seconds of the fastest round after one for warming up."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    taken = []
    for _ in range(rounds + 1):
        started = clock()
        action()
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(clock() - started)
    return min(taken[1:])


def matmul_rate(device: torch.device, rounds: int) -> float:
    """Operations per second of a square product in the type networks compute in."""
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    one = torch.randn(SIDE, SIDE, device=device, dtype=kind)
    return 2.0 * SIDE**3 / best(lambda: torch.mm(one, one), device, rounds)


def measured(name: str, names: int, device: torch.device, rounds: int, rate: float) -> str:
    """One line of the table."""
    torch.manual_seed(6)
    config, features = preset(name).model, catalogue().names
    network = make_network(config, features)
    few = day(COUNTED, config.look_back, len(features), torch.device("cpu"))
    flops = forward_flops(network, few) / COUNTED * names
    network.to(device)
    inputs = day(names, config.look_back, len(features), device)
    half = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")

    def train() -> None:
        network.zero_grad(set_to_none=True)
        with half:
            said = network(inputs)
        said.scores.pow(2).mean().backward()

    def ask() -> None:
        with torch.no_grad(), half:
            network(inputs)

    trained = best(train, device, rounds)
    network.eval()
    asked = best(ask, device, rounds)
    size = sum(weight.numel() for weight in network.parameters())
    share = f"{3 * flops / trained / rate:6.0%}"
    return (
        f"{name:16} {size:>10,} {flops / names / 1e6:9.1f} {names / trained:12,.0f} {share} "
        f"{names / asked:12,.0f} {asked / names * UNIVERSE:10.2f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=["ranker_small", "atft_small", "ranker_base", "atft_base"])
    parser.add_argument("--names", type=int, default=500)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if unknown := sorted(set(asked.presets) - {*OURS, *EARLIER}):
        parser.error(f"unknown presets {unknown}; there are {(*OURS, *EARLIER)}")
    torch.set_num_threads(asked.threads)
    device = torch.device(asked.device)
    rate = matmul_rate(device, asked.rounds)
    print(f"{asked.names} stocks, {len(catalogue().names)} features, {device}, {asked.threads} threads")
    print(f"matrix product {SIDE} x {SIDE}: {rate / 1e9:,.0f} GFLOP/s")
    print("preset           parameters MFLOP/fwd  trained/s    share      asked/s  4000 names s")
    for name in asked.presets:
        print(measured(name, asked.names, device, asked.rounds, rate), flush=True)


if __name__ == "__main__":
    main()
