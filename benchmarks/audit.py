"""The leak audit on `tiny`: all eight parts, seconds of each, and the whole beside its bound of three minutes.

    python -m benchmarks.audit [--features few] [--sample 1]

The market is the simulator's `tiny` (60 issues, 160 sessions), fetched over HTTP, typed and labelled first, outside the
clock; the planted market is made inside it, as by `gogoku audit`. CPU of the process, all threads.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Line, report
from gogoku_pipeline.audit.case import Case
from gogoku_pipeline.audit.leak_audit import run_audit
from gogoku_pipeline.audit.road import Road
from gogoku_pipeline.dataset.splits import final_split, walk_forward
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from resources.planted_market import planted_markets
from tests.unit.audit.audited import FEW, tiny_market

HORIZON_D, EMBARGO, VALIDATION, MIN_TRAIN, SAMPLE = 5, 10, 15, 90, 3
BOUND_S = 180.0


def road(names: tuple[str, ...]) -> Road:
    """The road with the terms of the tiny demo: the ridge and LightGBM are fitted."""
    terms = {"horizon_d": HORIZON_D, "embargo": EMBARGO, "validation": VALIDATION}
    return Road(
        graph=GraphConfig(min_nodes=20),
        registry=house(),
        names=names,
        horizon_d=HORIZON_D,
        folds=partial(walk_forward, n_folds=1, min_train=MIN_TRAIN, **terms),
        split=partial(final_split, **terms),
        recipes=(LadderRecipe("ridge"), BoostedRecipe(BoostedConfig(threads=1))),
    )


def lines(features: str = "all", sample: int = SAMPLE) -> list[Line]:
    """The two goals, after a table of every check.

    Args:
        features: `all` of the catalogue, or `few` of every axis.
        sample: sessions that are recomputed.
    """
    names = FEW if features == "few" else tuple(house().names)
    market = tiny_market()
    with TemporaryDirectory() as folder:
        case = Case(market, road(names), Path(folder), sample=sample, planted=planted_markets)
        cpu, wall = time.process_time(), time.perf_counter()
        found = run_audit(case)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    for part, question, compared, passed, seconds, words in found.rows():
        verdict = "holds" if passed else f"LEAK: {words}"
        print(f"{part:<16} {question:<46} {compared:>12,} {seconds:>7.1f} s  {verdict}", flush=True)
    what = f"leak audit on tiny, {len(names)} features, CPU seconds"
    holding = sum(one.passed for one in found.findings)
    return [
        Line("L1", what, "<=", BOUND_S, cpu, f"{wall:.0f} s wall, {sample} sessions, planted market included"),
        Line("L2", "checks of the leak audit that hold on tiny", ">=", len(found.findings), holding),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", choices=("all", "few"), default="all", help="how many features are audited")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="sessions that are recomputed")
    chosen = parser.parse_args()
    report(lines(chosen.features, chosen.sample))


if __name__ == "__main__":
    main()
