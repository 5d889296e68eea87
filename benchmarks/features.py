"""CPU time of the feature engine against one naive Polars plan over the same 40 features.

The naive plan is what a careful person writes by hand: every expression `.over("code")`, then the cross-section
`.over("session")`, one lazy query. Both are fed the same staged prices; outputs are compared before anything is
timed (null cells equal, differences below 1e-4 of the column's standard deviation). Variants alternate in one process;
figures are medians of CPU seconds of the whole process (all threads).

    python -m benchmarks.features [--codes 4000] [--sessions 460] [--rounds 3]
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs

YEAR = math.sqrt(245)


def synthetic_inputs(codes: int, sessions: int, seed: int = 1) -> FeatureInputs:
    """Geometric walks with a market factor, 1 % of rows without trade, 15 % of codes listing late, 33 sectors."""
    rng = stream(seed, "benchmark")
    days = np.array(tse_calendar(date(2018, 1, 4)).sessions[:sessions], dtype="datetime64[D]")
    shape = (sessions, codes)
    market = rng.normal(0, 0.01, sessions)
    close = 1000 * np.exp(np.cumsum(market[:, None] * rng.uniform(0.5, 1.5, codes) + rng.normal(0, 0.02, shape), 0))
    bars = {"close": close, "open": close * np.exp(rng.normal(0, 0.005, shape))}
    bars["high"] = np.maximum(close, bars["open"]) * np.exp(np.abs(rng.normal(0, 0.005, shape)))
    bars["low"] = np.minimum(close, bars["open"]) * np.exp(-np.abs(rng.normal(0, 0.005, shape)))
    bars["volume"] = np.round(np.exp(rng.normal(11, 1, shape)))
    bars["turnover_jpy"] = bars["volume"] * close
    silent = rng.random(shape) < 0.01
    first = np.where(rng.random(codes) < 0.15, rng.integers(0, sessions, codes), 0)
    t, i = np.nonzero(np.arange(sessions)[:, None] >= first)
    names = np.array([f"{1000 + number}0" for number in range(codes)])
    columns = {name: np.where(silent, np.nan, values)[t, i] for name, values in bars.items()}
    prices = pl.DataFrame({"session": days[t], "code": names[i], **columns}).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )
    prices = prices.with_columns(
        pl.col("close").forward_fill(4).over("code").alias("mark"), is_market_halt=False, is_gap=False
    )
    sectors = pl.DataFrame({"code": names, "sector33_code": [f"{50 * (1 + n % 33):04d}" for n in range(codes)]})
    universe = prices.select("session", "code", is_in_universe=True).join(sectors, on="code", maintain_order="left")
    topix = pl.DataFrame({"session": days, "close_points": 1500 * np.exp(np.cumsum(market)), "is_market_halt": False})
    return FeatureInputs(prices, universe.with_columns(sector17_code=pl.col("sector33_code")), topix)


def roll(x: pl.Expr, what: str, n: int, least: int = 1, **options: int) -> pl.Expr:
    return getattr(x, f"rolling_{what}")(n, min_samples=least, **options).over("code")


def wilder(x: pl.Expr, n: int) -> pl.Expr:
    """Wilder smoothing: the mean of the first n inputs seeds an unadjusted exponential mean."""
    seen = x.is_not_null().cum_sum()
    seed = pl.when(seen <= n).then(x).sum() / n
    fed = pl.when(x.is_null() | (seen < n)).then(None).when(seen == n).then(seed).otherwise(x)
    return fed.ewm_mean(alpha=1 / n, adjust=False, ignore_nulls=True).over("code")


def price_columns() -> list[dict[str, pl.Expr]]:
    """Steps of the per-stock part; each step may use the columns of the ones before."""
    o, h, low, c, m = (pl.col(name) for name in ("open", "high", "low", "close", "mark"))
    c1, h1, l1 = (x.shift(1).over("code") for x in (c, h, low))
    dc, rise, fall = c - c1, h - h1, l1 - low
    tr = pl.max_horizontal(h - low, (h - c1).abs(), (low - c1).abs())
    tr = pl.when(h.is_not_null() & c1.is_not_null()).then(tr)
    first = {
        "ret_1d": c / c1 - 1,
        **{f"ret_{n}d": m / m.shift(n).over("code") - 1 for n in (5, 20, 60)},
        "ret_250d_skip20": m.shift(20).over("code") / m.shift(250).over("code") - 1,
        "ret_overnight": o / c1 - 1,
        "ret_intraday": c / o - 1,
        "range_1d": (h - low) / c1,
        "close_location": pl.when(h != low).then((c - low) / (h - low)),
        "dist_high_250d": m / roll(h, "max", 250, 120) - 1,
        "sma_gap_20d": m / roll(c, "mean", 20, 15) - 1,
        "sma_gap_60d": m / roll(c, "mean", 60, 45) - 1,
        "_seen": c.is_not_null().cum_sum().over("code"),
        "_up": pl.when(dc > 0).then(dc).when(dc.is_not_null()).then(0.0),
        "_down": pl.when(dc < 0).then(-dc).when(dc.is_not_null()).then(0.0),
        "_tr": tr,
        "_plus": pl.when((rise > fall) & (rise > 0)).then(rise).when(rise.is_not_null()).then(0.0),
        "_minus": pl.when((fall > rise) & (fall > 0)).then(fall).when(rise.is_not_null()).then(0.0),
        "_line": c.ewm_mean(span=12, ignore_nulls=True).over("code")
        - c.ewm_mean(span=26, ignore_nulls=True).over("code"),
        "_gap": pl.when(h.is_not_null()).then((o / c1).log()),
        "_place": pl.int_range(pl.len()).over("code").cast(pl.Float64),
        "_base": c.drop_nulls().first().over("code"),
    }
    down, up = roll(low, "min", 14), roll(h, "max", 14)
    bands = roll(c, "std", 20, 15, ddof=0)
    valid = pl.col("_gap").is_not_null()
    second = {
        "rsi_14_score": pl.when(pl.col("_seen") >= 56).then(
            100 * wilder(pl.col("_up"), 14) / (wilder(pl.col("_up"), 14) + wilder(pl.col("_down"), 14))
        ),
        "macd_hist": pl.when((pl.col("_seen") >= 70) & c.is_not_null()).then(
            (pl.col("_line") - pl.col("_line").ewm_mean(span=9, ignore_nulls=True).over("code")) / c
        ),
        "bb_pctb_20": (c - (roll(c, "mean", 20, 15) - 2 * bands)) / (4 * bands),
        "_pdi": wilder(pl.col("_plus"), 14),
        "_mdi": wilder(pl.col("_minus"), 14),
        "stoch_k_14": pl.when(roll(c, "sum", 14, 11).is_not_null() & (up != down)).then((c - down) / (up - down)),
        "atr_pct_14": pl.when(pl.col("_seen") >= 28).then(wilder(pl.col("_tr"), 14) / c),
        "vol_pk_20d": (245 * roll((h / low).log() ** 2, "mean", 20, 15) / (4 * math.log(2))).sqrt(),
        "_r": pl.col("ret_1d").log1p(),
        "_day": pl.when(valid).then((c / o).log()),
        "_rs": pl.when(valid).then((h / c).log() * (h / o).log() + (low / c).log() * (low / o).log()),
        "_j": roll(valid.cast(pl.Float64), "sum", 20),
        "_y": (c / pl.col("_base")).log(),
        "_x": pl.when(c.is_not_null()).then(pl.col("_place")),
        "_illiq": pl.col("ret_1d").abs() / (pl.col("turnover_jpy") / 1e9),
        "log10_adv_20d_jpy": pl.when(roll(pl.lit(1.0) + 0 * pl.col("_place"), "sum", 20, 15).is_not_null()).then(
            (roll(pl.col("turnover_jpy"), "sum", 20) / roll(pl.lit(1.0) + 0 * pl.col("_place"), "sum", 20)).log10()
        ),
        "volume_ratio_5_60": roll(pl.col("volume"), "mean", 5) / roll(pl.col("volume"), "mean", 60, 45),
        "zero_volume_share_60d": roll((pl.col("volume").fill_null(0) == 0).cast(pl.Float64), "mean", 60, 60),
    }
    r, x, y, j = pl.col("_r"), pl.col("_x"), pl.col("_y"), pl.col("_j")
    k = 0.34 / (1.34 + (j + 1) / (j - 1))
    n = roll(x, "mean", 60, 45) * 0 + roll(x.is_not_null().cast(pl.Float64), "sum", 60)
    sxx = n * roll(x, "var", 60, 45, ddof=0)
    syy = n * roll(y, "var", 60, 45, ddof=0)
    sxy = roll(x * y, "sum", 60, 45) - n * roll(x, "mean", 60, 45) * roll(y, "mean", 60, 45)
    di = (pl.col("_pdi") - pl.col("_mdi")).abs() / (pl.col("_pdi") + pl.col("_mdi"))
    best = pl.concat_list([pl.col("ret_1d").shift(i).over("code") for i in range(20)])
    third = {
        "adx_14_score": pl.when(pl.col("_seen") >= 84).then(wilder(100 * di, 14)),
        "trend_tstat_60d": sxy / sxx / ((syy - sxy**2 / sxx) / (n - 2) / sxx).sqrt(),
        "vol_20d": roll(r, "std", 20, 15) * YEAR,
        "vol_60d": roll(r, "std", 60, 45) * YEAR,
        "vol_yz_20d": (
            245
            * (
                roll(pl.col("_gap"), "var", 20, 15)
                + k * roll(pl.col("_day"), "var", 20, 15)
                + (1 - k) * roll(pl.col("_rs"), "mean", 20, 15)
            )
        ).sqrt(),
        "max_ret_20d": pl.when(roll(pl.col("ret_1d"), "sum", 20, 15).is_not_null()).then(
            best.list.drop_nulls().list.sort(descending=True).list.head(3).list.mean()
        ),
        "skew_60d": roll(r, "skew", 60, 45),
        "amihud_20d_per_bnjpy": roll(pl.col("_illiq"), "mean", 20, 15),
    }
    return [first, second, third]


NAMES = (
    *(name for step in price_columns() for name in step if not name.startswith("_")),
    *("mkt_ret_1d", "mkt_ret_20d", "mkt_vol_20d", "beta_60d", "r2_60d", "idio_vol_60d", "resid_ret_1d"),
    *("resid_ret_5d", "xs_ret_1d", "rel_sec33_5d", "xs_disp_20d"),
)
"""The 40 features compared."""


def market_columns(topix: pl.LazyFrame) -> pl.LazyFrame:
    close = pl.col("close_points")
    table = topix.sort("session").with_columns(
        mkt_ret_1d=close / close.shift(1) - 1, mkt_ret_20d=close / close.shift(20) - 1
    )
    return table.select(
        "session",
        "mkt_ret_1d",
        "mkt_ret_20d",
        mkt_vol_20d=pl.col("mkt_ret_1d").log1p().rolling_std(20, min_samples=15) * YEAR,
    )


def naive(inputs: FeatureInputs) -> pl.DataFrame:
    """The 40 features as one lazy Polars query."""
    plan = inputs.prices.lazy().sort("code", "session")
    plan = plan.join(inputs.universe.lazy(), on=["session", "code"], how="left", maintain_order="left")
    for step in price_columns():
        plan = plan.with_columns(**step)
    plan = plan.join(market_columns(inputs.topix.lazy()), on="session", how="left", maintain_order="left")
    y, x = pl.col("ret_1d"), pl.col("mkt_ret_1d")
    pair = pl.when(y.is_not_null() & x.is_not_null())
    plan = plan.with_columns(_py=pair.then(y), _px=pair.then(x), _pxy=pair.then(x * y))
    n = roll(pl.col("_px").is_not_null().cast(pl.Float64), "sum", 60)
    py, px = pl.col("_py"), pl.col("_px")
    plan = plan.with_columns(
        _cov=roll(pl.col("_pxy"), "mean", 60, 45) - roll(px, "mean", 60, 45) * roll(py, "mean", 60, 45),
        _vx=roll(px, "var", 60, 45, ddof=0),
        _vy=roll(py, "var", 60, 45, ddof=0),
        _n=n,
    )
    cov, vx, vy = pl.col("_cov"), pl.col("_vx"), pl.col("_vy")
    plan = plan.with_columns(
        beta_60d=cov / vx,
        r2_60d=cov**2 / (vx * vy),
        idio_vol_60d=((vy - cov**2 / vx) * pl.col("_n") / (pl.col("_n") - 2)).sqrt() * YEAR,
    )
    plan = plan.with_columns(resid_ret_1d=y - pl.col("beta_60d").shift(1).over("code") * x)
    plan = plan.with_columns(resid_ret_5d=roll(pl.col("resid_ret_1d"), "sum", 5, 4))
    own = pl.col("ret_5d")
    keys = ["session", "sector33_code"]
    others = (own.sum().over(keys) - own) / (own.count().over(keys) - 1)
    plan = plan.with_columns(
        xs_ret_1d=y.mean().over("session"),
        _sd=y.std().over("session"),
        rel_sec33_5d=pl.when(own.count().over(keys) >= 3).then(own - others),
    )
    spread = plan.group_by("session").agg(pl.col("_sd").first()).sort("session")
    spread = spread.select("session", xs_disp_20d=pl.col("_sd").rolling_mean(20, min_samples=15))
    plan = plan.join(spread, on="session", how="left", maintain_order="left").sort("session", "code")
    columns = [pl.col(name).fill_nan(None).cast(pl.Float32) for name in NAMES]
    return plan.select("session", "code", *columns).collect()


def differences(left: pl.DataFrame, right: pl.DataFrame) -> dict[str, tuple[int, float]]:
    """Per feature: cells null in one only, and the largest difference in standard deviations of the column."""
    out = {}
    for name in NAMES:
        a, b = left[name], right[name]
        spread = float(a.cast(pl.Float64).std() or 1.0) or 1.0
        worst = (a.cast(pl.Float64) - b.cast(pl.Float64)).abs().max()
        out[name] = (int((a.is_null() != b.is_null()).sum()), float(worst or 0.0) / spread)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=4000)
    parser.add_argument("--sessions", type=int, default=460)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    span = {"start": date(2000, 1, 1), "end": date(2100, 1, 1)}
    small = synthetic_inputs(100, given.sessions)
    apart = differences(compute(NAMES, small, **span), naive(small))
    print("most different:", sorted(apart.items(), key=lambda item: item[1])[-3:])
    if bad := {name: gap for name, gap in apart.items() if gap[0] or gap[1] > 1e-4}:
        raise SystemExit(f"outputs differ: {bad}")
    inputs = synthetic_inputs(given.codes, given.sessions)
    spent: dict[str, list[float]] = {"engine": [], "naive": []}
    for _ in range(given.rounds):
        for name, call in (
            ("engine", lambda: compute(NAMES, inputs, **span)),
            ("naive", lambda: naive(inputs)),
        ):
            before = time.process_time()
            call()
            spent[name].append(time.process_time() - before)
    engine, plan = (statistics.median(spent[name]) for name in ("engine", "naive"))
    print(f"{inputs.prices.height} rows x {len(NAMES)} features, {given.rounds} rounds")
    print(f"engine {engine:.2f} CPU-s, naive Polars plan {plan:.2f} CPU-s: {plan / engine:.1f}x")


if __name__ == "__main__":
    main()
