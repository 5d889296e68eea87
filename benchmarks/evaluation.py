"""Judging five years of a whole market: every metric of every day, every interval, at four horizons.

    python -m benchmarks.evaluation [--names 4000] [--years 5] [--draws 1000]

Goal: at most 20 s of wall time on two cores and less than 3 GiB of resident memory, scores and labels included. CPU
seconds of all threads stand beside the wall: other work on the machine does not count in them.
Before anything is timed, RankIC, IC and NDCG of a few days are proved equal to scipy and scikit-learn.
"""

from __future__ import annotations

import argparse
import resource
import time
from datetime import date

import numpy as np
import polars as pl
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import ndcg_score

from benchmarks.table import Line, report
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR, tse_calendar
from gogoku_pipeline.evaluation.daily import DailyConfig, daily_metrics
from gogoku_pipeline.evaluation.summary import SummaryConfig, summarise_days

HORIZONS = (1, 5, 10, 20)
THREADS = 2


def market(names: int, days: int, seed: int = 1) -> tuple[pl.DataFrame, ...]:
    """Scores, labels, universe and exposures as their tables declare them; a tenth of the rows miss something."""
    rng = stream(seed, "evaluation")
    sessions = pl.Series("session", list(tse_calendar(date(2018, 1, 4)).sessions[:days]))
    codes = pl.Series("code", [f"{10000 + 10 * n}" for n in range(names)])
    keys = pl.DataFrame({"session": sessions}).join(pl.DataFrame({"code": codes}), how="cross")
    hidden = rng.normal(size=len(keys)).astype(np.float32)
    scores, labels = [], []
    for horizon in HORIZONS:
        noise = rng.normal(size=len(keys)).astype(np.float32)
        held = keys.with_columns(pl.lit(horizon, dtype=pl.Int16).alias("horizon_d"))
        score = 0.04 * hidden + noise
        score[rng.random(len(score)) < 0.05] = np.nan
        label = 0.03 * (hidden + 0.1 * rng.normal(size=len(keys)).astype(np.float32))
        label[rng.random(len(label)) < 0.05] = np.nan
        scores.append(held.with_columns(pl.Series("score", score, dtype=pl.Float64)))
        labels.append(held.with_columns(pl.Series("ret_open", label, dtype=pl.Float64).fill_nan(None)))
    universe = keys.with_columns(pl.Series("is_tradable", rng.random(len(keys)) < 0.9))
    exposures = keys.with_columns(
        *(pl.Series(name, rng.normal(size=len(keys)), dtype=pl.Float32) for name in
          ("log10_mcap_jpy", "log10_adv_20d_jpy", "vol_20d", "beta_60d")),
        (pl.col("code").cast(pl.Int64) // 10 % 33).cast(pl.String).alias("sector33_code"),
    )  # fmt: skip
    return pl.concat(scores), pl.concat(labels), universe, exposures


def prove(scores: pl.DataFrame, labels: pl.DataFrame, universe: pl.DataFrame, daily: pl.DataFrame) -> None:
    """A few days against the libraries, with the same names."""
    tradable = universe.filter("is_tradable")
    for row in daily.filter(horizon_d=5).head(3).iter_rows(named=True):
        key = {"session": row["session"], "horizon_d": 5}
        day = scores.filter(**key).join(labels.filter(**key), on="code").join(tradable, on=["session", "code"])
        day = day.filter(pl.col("score").is_not_nan() & pl.col("ret_open").is_not_null())
        score, label = day["score"].to_numpy(), day["ret_open"].to_numpy()
        place = ((pl.Series(label).rank() - 0.5) / len(label) * 5).floor().clip(0, 4).to_numpy()
        wanted = {
            "rank_ic": spearmanr(score, label).statistic,
            "ic": pearsonr(score, label).statistic,
            "ndcg_at_50": ndcg_score(place[None, :], score[None, :], k=50),
        }
        for name, value in wanted.items():
            if abs(row[name] - value) > 1e-9:
                raise SystemExit(f"{name} of {row['session']} is {row[name]}, the library says {value}; nothing timed")
    print("proved: RankIC, IC and NDCG@50 of three days equal scipy and scikit-learn")


def lines(names: int = 4000, years: int = 5, draws: int = 1000) -> list[Line]:
    """The goals of the table; see the top of the file."""
    days = years * SESSIONS_PER_YEAR
    config = DailyConfig(threads=THREADS)
    small = market(200, 10)
    prove(*small[:3], daily_metrics(small[0], small[1], universe=small[2], exposures=small[3], config=config))
    scores, labels, universe, exposures = market(names, days)
    wall, cpu = time.perf_counter(), time.process_time()
    daily = daily_metrics(scores, labels, universe=universe, exposures=exposures, config=config)
    measured = time.process_time() - cpu
    table = summarise_days(daily, SummaryConfig(resamples=draws))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(table.select("horizon_d", "n_days", "rank_ic_mean", "rank_ic_low", "rank_ic_high", "neutral_rank_ic_mean"))
    what = f"{names} names x {days} days x {len(HORIZONS)} horizons"
    return [
        Line("E1", f"all metrics, {what}, wall s", "<=", 20.0, wall, "on two quiet cores"),
        Line("E1", f"the same, CPU s of all {THREADS} threads", "<=", 20.0, cpu, f"of which the days {measured:.1f}"),
        Line("E2", f"peak memory, {what}, GiB", "<=", 3.0, gib, "inputs included"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=4000)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--draws", type=int, default=1000)
    chosen = parser.parse_args()
    report(lines(chosen.names, chosen.years, chosen.draws))


if __name__ == "__main__":
    main()
