"""What a LightGBM walk of five folds spends on bins: one table for all folds, against a new one for every fold.

    python -m benchmarks.boosted [--names 400] [--sessions 800] [--features 140] [--rounds 3]

Both ways read the same panel and end with the five training sets a booster takes, one seed per fold (a walk has five,
and the old way binned for each). Before anything is timed, the first fold's trees are proved equal to the bit, and the
later folds' test RankIC is compared: their edges come from the first window, so their trees may differ.
CPU seconds of the process, medians of alternated rounds.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime, time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.table import Line, alternate, report
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.dataset.splits import Fold, label_span, walk_forward
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
from gogoku_pipeline.training.shared_bins import SharedBins

FOLDS, HORIZON_D = 5, 5
WORSE = -3.0
"""The proof fails where shared edges rank worse by more than so many standard errors of the daily difference."""


def market(folder: Path, names: int, sessions: int, features: int, seed: int = 6) -> TrainingData:
    """A panel of normal scores whose first two features say a little of the label."""
    rng = stream(seed, "boosted")
    calendar = tse_calendar()
    days = calendar.sessions[:sessions]
    values = rng.standard_normal((sessions, names, features), dtype=np.float32).astype(np.float16)
    marks = np.ones((sessions, names), dtype=np.bool_)
    bits = np.full((sessions, names, (features + 7) // 8), 255, dtype=np.uint8)
    codes = tuple(f"{10000 + 10 * place}" for place in range(names))
    held = tuple(f"f{place}" for place in range(features))
    panel = Panel(folder, values, bits, marks, marks, days, codes, held, "", "", {}, "", None)
    outcome = 0.05 * values[..., 0] - 0.05 * np.abs(values[..., 1]) + rng.standard_normal((sessions, names))
    exits = [calendar.sessions[place + label_span(HORIZON_D)] for place in range(sessions)]
    known = pl.Series([datetime.combine(day, time(16), JST) for day in exits]).dt.convert_time_zone("Asia/Tokyo")
    labels = (
        pl.DataFrame({"session": days, "available_at": known}, schema_overrides={"session": pl.Date})
        .join(pl.DataFrame({"code": codes}), how="cross")
        .with_columns(
            pl.lit(HORIZON_D, dtype=pl.Int16).alias("horizon_d"),
            pl.Series("gauss_open", outcome.ravel(), dtype=pl.Float64),
        )
    )
    return TrainingData(panel, labels)


def sets(data: TrainingData, folds: list[Fold], config: BoostedConfig, *, shared: bool) -> list[int]:
    """Rows of the five training sets, binned once or once per fold."""
    windows = [fold.train for fold in folds]
    common = SharedBins(data, windows, config)
    rows = []
    for fold in folds:
        bins = common if shared else SharedBins(data, [fold.train], config)
        rows.append(bins.training(fold.train, HORIZON_D, fold.validation[0], config).num_data())
    return rows


def prove(data: TrainingData, folds: list[Fold], config: BoostedConfig) -> str:
    """The first fold's trees are equal, and no later fold ranks worse; the two RankICs in words."""
    alone = BoostedRecipe(config)
    shared = alone.over(data, [fold.train for fold in folds])
    means: dict[str, list[float]] = {"alone": [], "shared": []}
    for fold in folds:
        fits = {name: one.fit(data, fold.train, fold.validation, 1, HORIZON_D)
                for name, one in (("alone", alone), ("shared", shared))}  # fmt: skip
        if fold is folds[0] and fits["alone"].boosted.to_text() != fits["shared"].boosted.to_text():
            raise SystemExit("the first fold's trees differ; nothing timed")
        for name, fitted in fits.items():
            daily = daily_rank_ic(fitted.score(data, fold.test[:20]), data.labels, "gauss_open")["rank_ic"]
            means[name] += daily.to_list()
    found = {name: float(np.mean(values)) for name, values in means.items()}
    apart = np.subtract(means["shared"], means["alone"])
    t = float(apart.mean() / (apart.std(ddof=1) / np.sqrt(len(apart))))
    if t < WORSE:
        raise SystemExit(f"shared edges cost RankIC: {found}, t {t:.1f}; nothing timed")
    return f"RankIC {found['shared']:.4f}, {found['alone']:.4f} with bins per fold (paired t {t:+.1f})"


def lines(names: int = 400, sessions: int = 800, features: int = 140, rounds: int = 3) -> list[Line]:
    """The goal of the table; see the top of the file."""
    config = BoostedConfig(rounds=20, patience=20)
    with tempfile.TemporaryDirectory() as folder:
        data = market(Path(folder), names, sessions, features)
        folds = walk_forward(data.sessions, FOLDS, HORIZON_D, min_train=sessions // 3)
        detail = prove(data, folds, config)
        print(f"proved: the first fold's trees are equal; {detail}")
        counted = [sets(data, folds, config, shared=shared) for shared in (True, False)]
        if counted[0] != counted[1]:
            raise SystemExit(f"the training sets have {counted} rows; nothing timed")
        spent = alternate(
            {
                "shared": lambda: sets(data, folds, config, shared=True),
                "per fold": lambda: sets(data, folds, config, shared=False),
            },
            rounds,
        )
    what = f"bins of {FOLDS} folds, {names} names x {sessions} sessions x {features}: shared against per fold"
    seconds = f"{spent['shared']:.1f} against {spent['per fold']:.1f} CPU-s; {detail}"
    return [Line("L1", what, ">=", 1.5, spent["per fold"] / spent["shared"], seconds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=400)
    parser.add_argument("--sessions", type=int, default=800)
    parser.add_argument("--features", type=int, default=140)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    report(lines(chosen.names, chosen.sessions, chosen.features, chosen.rounds))


if __name__ == "__main__":
    main()
