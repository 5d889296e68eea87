"""Do the intervals of the served lists hold? Their ends as quantiles, counted against what happened since.

Belongs here: bringing served intervals and known outcomes together. Does not belong here: counting
(`evaluation.calibration`), how an interval is made (`training.intervals`).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.breakdown import buckets_by_day
from gogoku_pipeline.evaluation.calibration import calibration, calibration_by_day
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.registry.evidence import exposures_in, known_by, universe_of
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.store import Store
from gogoku_pipeline.training.intervals import LEVEL, OUTCOME, RISK

ALL = "all"
_KEY = ["session", "code", "horizon_d"]


def served_calibration(store: Store, day: date, horizon_d: int, *, plan: str = PLANS[-1]) -> pl.DataFrame | None:
    """Calibration of both ends of the served intervals, over all stocks and by fifth of volatility.

    Args:
        store: holds lists, labels, universe and features.
        day: outcomes that were not known by its evening are not looked at.
        horizon_d: of the list.
        plan: whose features are stored.

    Returns:
        `calibration.calibration` with `bucket`: "all", then "1" the calmest fifth of each session .. "5"; None while
        no served interval has a known outcome.
    """
    lists = store.tables.scan(PREDICTIONS, end=day).filter(
        (pl.col("horizon_d") == horizon_d) & pl.col("interval_low").is_not_null()
    )
    rows = lists.select(*_KEY, "interval_low", "interval_high").collect()
    if rows.is_empty():
        return None
    universe = universe_of(store, rows["session"])
    first, last = universe["session"].min(), universe["session"].max()
    outcomes = store.tables.scan(LABELS).filter(pl.col("session").is_between(first, last)).collect()
    labels = known_by(outcomes, day).filter(pl.col(OUTCOME).is_not_null())
    quantiles = pl.concat(
        rows.select(*_KEY, pl.lit(share).alias("quantile"), pl.col(end).alias("value"))
        for share, end in ((round((1 - LEVEL) / 2, 6), "interval_low"), (round((1 + LEVEL) / 2, 6), "interval_high"))
    )
    if quantiles.join(labels, on=_KEY, how="semi").is_empty():
        return None
    found = [calibration_by_day(quantiles, labels, OUTCOME).with_columns(pl.lit(ALL).alias("bucket"))]
    exposures = exposures_in(store, universe, plan)
    if exposures is not None and RISK in exposures.columns:
        buckets = buckets_by_day(exposures, RISK)
        if quantiles.join(buckets, on=["session", "code"], how="semi").height:
            found.append(calibration_by_day(quantiles, labels, OUTCOME, buckets=buckets))
    order = pl.col("bucket").cast(pl.Enum([ALL, *"12345"]))
    daily = pl.concat([part.select(found[0].columns) for part in found])
    return calibration(daily).sort(order, "quantile")
