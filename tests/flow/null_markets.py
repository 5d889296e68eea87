"""Markets in which nothing is planted, from the first request to the gate's verdict: nobody may be promoted.

    python -m tests.flow.null_markets [--markets 10] [--seed 101] [--size tiny] [--plan light] [--out FILE]

Each market has another seed and every planted effect at zero. Its road is that of the demo: served over
HTTP, landed, typed, features and graph, panel, then the gate, which walks both networks, LightGBM and the naive ladder
forward and puts the inputs to the leak audit. Assets, terms and budgets are the demo's; only what the gate does not
read (versions that serve, lists, the report) is left out. Each judged market is a line of FILE; a study that was
interrupted goes on where it stopped. It ends with 1 if anybody was promoted.

A tiny market has fewer judged days than the gate asks for, so it could promote nobody in any case: the summary also
counts the markets where that alone stood in the way.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import polars as pl
from rich.console import Console

from gogoku.commands.demo import served
from gogoku.demo.road import definitions_of
from gogoku.demo.runner import Runner
from gogoku.demo.stages import stages
from gogoku.deployment import demo_deployment
from gogoku_pipeline.core.settings import batch_dagster_events
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.registry.promotions import last_verdicts
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.walk_forward import SCORES, scores_from_table
from tests.laws.evaluation.gate_study import upper_bound

RATE_SCALE = 5_000.0
NOT_JUDGED = {
    "train LightGBM",
    "train APEX-Ranker",
    "train ATFT-GAT-FAN",
    "write the verdict down",
    "tonight's ranking",
    "report",
}
TOO_FEW_DAYS = "enough_days"
PROMOTES, LEAK_AUDIT = "promotes", "leak_audit"
console = Console(stderr=True)


def judged(seed: int, size: str, plan: str) -> dict[str, object]:
    """One market without any planted effect before the gate, in a folder that is gone afterwards."""
    began, spent = time.monotonic(), time.process_time()
    with (
        TemporaryDirectory() as folder,
        chdir(folder),
        served(size, seed, 0.0, plan, RATE_SCALE) as (note, market),
        dg.DagsterInstance.ephemeral(folder) as instance,
    ):
        runner = Runner(definitions_of(note), instance, market.sessions)
        for stage in stages(market.sessions):
            if stage.title not in NOT_JUDGED:
                _require(stage.title, runner.run(stage, lambda _: None))
                console.print(f"  seed {seed}: {stage.title}, {time.monotonic() - began:.0f} s", highlight=False)
        found = told(demo_deployment(note).open_store())
    return {"seed": seed, "size": size, "plan": plan, **found, **_seconds(began, spent)}


def told(store: Store) -> dict[str, object]:
    """What the gate wrote down of whoever came nearest to a promotion, and everybody's mean daily RankIC."""
    verdicts = last_verdicts(store)
    scores = scores_from_table(store.tables.scan(SCORES).collect()).filter("is_counted")
    labels, universe = store.tables.scan(LABELS).collect(), store.tables.scan(UNIVERSE).collect()
    daily = rank_ic_by_day(align(scores, labels, universe=universe))
    mean = daily.group_by("model").agg(pl.col("rank_ic").fill_nan(None).mean()).sort("model")
    return {
        "decision": verdicts[0].decision,
        "days": verdicts[0].n_days,
        "edge": verdicts[0].edge,
        "detectable": verdicts[0].minimum_detectable_effect,
        "failed": [criterion.name for criterion in verdicts[0].criteria if criterion.passed is False],
        "decisions": {verdict.challenger: verdict.decision for verdict in verdicts},
        "rank_ic": dict(mean.rows()),
    }


def study(seeds: Sequence[int], size: str, plan: str, out: Path) -> pl.DataFrame:
    """Judge the markets that FILE does not hold yet, and read them all: one row per market."""
    for seed in seeds:
        if seed not in {row["seed"] for row in _lines(out, size, plan)}:
            row = judged(seed, size, plan)
            with out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            console.print(in_words(row), highlight=False)
    return pl.DataFrame([row for row in _lines(out, size, plan) if row["seed"] in seeds], infer_schema_length=None)


def in_words(row: dict) -> str:
    """One market in one line."""
    mean, low, high = row["edge"]
    ics = "  ".join(f"{model} {row['rank_ic'][model]:+.3f}" for model in ("apex_ranker", "lightgbm"))
    edge = f"edge {mean:+.3f} [{low:+.3f}, {high:+.3f}] over {row['days']} days"
    return f"seed {row['seed']}: {row['decision']:12}  RankIC {ics}  {edge}  fails {', '.join(row['failed'])}"


def summary(rows: pl.DataFrame) -> str:
    """How many were promoted, with the exact bound of the share, and how often the days alone stood in the way."""
    promoted = rows.filter(pl.col("decision") == "promote").height
    alone = rows.filter(pl.col("failed").list.set_difference([TOO_FEW_DAYS]).list.len() == 0).height
    return (
        f"{rows.height} null markets: {promoted} promoted (Clopper-Pearson, 95 %: at most "
        f"{upper_bound(promoted, rows.height):.1%}), {alone} promoted but for the days; verdicts "
        + ", ".join(f"{count} {decision}" for decision, count in rows["decision"].value_counts(sort=True).rows())
    )


def _require(title: str, results: Sequence[dg.ExecuteInProcessResult]) -> None:
    """Every run of a stage succeeds, or fails because the gate did not promote; a false alarm of the audit is told."""
    for result in results:
        found = [check for check in result.get_asset_check_evaluations() if not check.passed]
        failed = {check.check_name for check in found}
        for check in found:
            if check.check_name == LEAK_AUDIT:
                console.print(f"  leak audit: {check.description}", highlight=False)
        if not result.success and not {PROMOTES} <= failed <= {PROMOTES, LEAK_AUDIT}:
            steps = [event.step_key for event in result.all_events if event.is_step_failure]
            raise AssertionError(f"{title}: failed in {steps}, checks {sorted(failed)}")


def _seconds(began: float, spent: float) -> dict[str, float]:
    return {"seconds": round(time.monotonic() - began, 1), "cpu_seconds": round(time.process_time() - spent, 1)}


def _lines(out: Path, size: str, plan: str) -> Iterator[dict]:
    if out.exists():
        rows = (json.loads(line) for line in out.read_text().splitlines())
        yield from (row for row in rows if (row["size"], row["plan"]) == (size, plan))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=10)
    parser.add_argument("--seed", type=int, default=101, help="of the first market; the others follow")
    parser.add_argument("--size", default="tiny", help="tiny or small")
    parser.add_argument("--plan", default="light", help="light, standard or premium")
    parser.add_argument("--out", type=Path, default=Path("null_markets.jsonl"))
    given = parser.parse_args()
    batch_dagster_events()
    rows = study(range(given.seed, given.seed + given.markets), given.size, given.plan, given.out.resolve())
    for row in rows.iter_rows(named=True):
        print(in_words(row))
    print(summary(rows))
    sys.exit(0 if rows.filter(pl.col("decision") == "promote").is_empty() else 1)


if __name__ == "__main__":
    main()
