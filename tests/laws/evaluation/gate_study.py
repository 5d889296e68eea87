"""How often the gate errs, and what it needs to see an edge: contests of known truth, judged by the real gate.

    python -m tests.laws.evaluation.gate_study [--null 250] [--power 40] [--challengers 1] [--seed 1] [--workers 2]
        [--out FILE]

Without edge: five kinds of challenger that deserve nothing (as good as the baseline with other or nearly the same
errors, half as good, useless, and a market in which nobody knows anything), at 120 and 250 days. The share promoted is
given with its exact (Clopper-Pearson) upper bound. With an edge: share promoted, by true edge and number of days.
Several challengers of one cut-off are judged as a family: a contest counts as promoted where any of them is.
Each judged contest is a line of FILE; a study that was interrupted goes on where it stopped.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.progress import track
from scipy.stats import binomtest

from gogoku_pipeline.evaluation.choice import one_promotion
from gogoku_pipeline.evaluation.gate import GateConfig, GateContext, decide
from tests.laws.evaluation.contests import ORACLE_IC, Contest, evidence

TERMS = GateConfig(resamples=1000)
NAMES = 60
"""With so many names a day's RankIC deviates by 0.13, about as much as a real market's."""

WITHOUT_EDGE = {
    "equal, other errors": (0.4, 0.4, 0.0),
    "equal, much the same errors": (0.4, 0.4, 0.9),
    "half as good": (0.4, 0.2, 0.5),
    "useless": (0.2, 0.0, 0.0),
    "nobody knows anything": (0.0, 0.0, 0.5),
}
"""Kind of challenger: share of the baseline, share of the challenger, kinship of their errors."""

Task = tuple[Contest, int, int]
"""A contest, the seed of its drawing, how many challengers."""

NULL_DAYS = (120, 250)
POWER_DAYS = (60, 120, 250, 500, 1000)
EDGES = (0.01, 0.02, 0.03, 0.045, 0.06)


def null_contests() -> list[Contest]:
    """Every kind of challenger without edge, at every number of days."""
    return [Contest(name, days, NAMES, *rest) for name, rest in WITHOUT_EDGE.items() for days in NULL_DAYS]


def power_contests() -> list[Contest]:
    """A baseline of RankIC about 0.03 and challengers better by a known edge."""
    return [
        Contest(f"edge {edge:g}", days, NAMES, 0.2, 0.2 + edge / ORACLE_IC) for edge in EDGES for days in POWER_DAYS
    ]


def judged(task: Task) -> dict[str, object]:
    """One drawing of a contest before the gate; of several challengers the one that came furthest is told."""
    contest, seed, challengers = task
    given, terms = evidence(contest, seed, challengers=challengers), replace(TERMS, family=challengers)
    context = GateContext(audit_passed=True, simulated=True)
    found = one_promotion(
        [
            decide(scores, given.baseline, given.ladder, None, given.labels, given.exposures, terms, context)
            for scores in given.challengers
        ]
    )
    verdict = min(found, key=lambda one: ("promote", "passed_over", "inconclusive", "reject").index(one.decision))
    return {
        "contest": contest.name,
        "days": contest.days,
        "challengers": challengers,
        "edge": contest.edge,
        "seed": seed,
        "decision": verdict.decision,
        "difference": verdict.edge[0],
        "low": verdict.edge[1],
        "failed": [criterion.name for criterion in verdict.criteria if criterion.passed is False],
        "more_sessions": verdict.sessions_needed,
    }


def study(tasks: Iterable[Task], out: Path, workers: int) -> pl.DataFrame:
    """Judge what FILE does not hold yet, and read it all: one row per judged contest."""
    done = {_drawing(row) for row in _lines(out)}
    wanted = {(contest.name, contest.days, seed, count): (contest, seed, count) for contest, seed, count in tasks}
    left = [task for drawing, task in wanted.items() if drawing not in done]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool, out.open("a") as file:
        for row in track(pool.map(judged, left, chunksize=4), "judging", total=len(left), console=Console(stderr=True)):
            file.write(json.dumps(row) + "\n")
            file.flush()
    rows = [row for row in _lines(out) if _drawing(row) in wanted]
    return pl.DataFrame(rows, infer_schema_length=None)


def upper_bound(promoted: int, trials: int) -> float:
    """One-sided 97.5 % (two-sided 95 %) Clopper-Pearson bound of a share."""
    return float(binomtest(promoted, trials).proportion_ci(0.95, "exact").high)


def shares(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    """[*by, contests, promoted, rejected, inconclusive, promoted_at_most] with shares of each verdict."""
    told = [(pl.col("decision") == name).sum().alias(name) for name in ("promote", "reject", "inconclusive")]
    table = rows.group_by(*by, maintain_order=True).agg(pl.len().alias("contests"), *told)
    bounds = [upper_bound(row["promote"], row["contests"]) for row in table.iter_rows(named=True)]
    return table.with_columns(pl.Series("promoted_at_most", bounds))


def _drawing(row: dict[str, object]) -> tuple[object, ...]:
    """Which drawing a line of the file is of; lines from before there were families have one challenger."""
    return row["contest"], row["days"], row["seed"], row.get("challengers", 1)


def _lines(out: Path) -> Iterator[dict[str, object]]:
    if out.exists():
        with out.open() as file:
            yield from (json.loads(line) for line in file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--null", type=int, default=250, help="drawings per kind without edge and number of days")
    parser.add_argument("--power", type=int, default=40, help="drawings per edge and number of days")
    parser.add_argument("--challengers", type=int, default=1, help="judged at one cut-off, as a family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("gate_study.jsonl"))
    given = parser.parse_args()
    several = given.challengers
    nulls = [(contest, given.seed + n, several) for n in range(given.null) for contest in null_contests()]
    powers = [(contest, given.seed + n, several) for n in range(given.power) for contest in power_contests()]
    rows = study([*nulls, *powers], given.out, given.workers)
    without = rows.filter(pl.col("contest").is_in(list(WITHOUT_EDGE)))
    with pl.Config(tbl_rows=-1, tbl_width_chars=160, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        if not without.is_empty():
            print(shares(without, "contest", "days"))
            print(shares(without.with_columns(pl.lit("all without edge").alias("contest")), "contest"))
        with_edge = rows.filter(~pl.col("contest").is_in(list(WITHOUT_EDGE)))
        if not with_edge.is_empty():
            print(shares(with_edge, "contest", "days"))


if __name__ == "__main__":
    main()
