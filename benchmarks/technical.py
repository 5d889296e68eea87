"""Technical indicators: the house against a loop over TA-Lib and against polars_talib, the same 24 columns.

Moving averages, MACD, RSI, directional movement, stochastics, bands, true range and balance of volume. Gaps are filled
forward first, because TA-Lib answers NaN for ever after one. TA-Lib seeds its recursive means with a plain one, divides
the bands' variance by n, and begins the balance with a volume; so after 320 sessions, when a mean of 60 has forgotten
its seed, all columns must agree within a thousandth of a standard deviation, bands after the factor sqrt(19/20), the
balance in its daily steps. All deliver single precision; the peers in the order of their work (by code), and once more
sorted as the house's table. Medians of CPU seconds of the process, variants alternated.

    python -m benchmarks.technical [--codes 1000] [--sessions 460] [--rounds 3]

Peers that are not installed (extra `[bench]`) are named as left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from benchmarks.features import synthetic_inputs
from benchmarks.panel import KEY, SPAN
from benchmarks.panel_columns import declared
from benchmarks.table import Line, alternate, per_order, report
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs

MEANS = (5, 10, 20, 40, 60)
NAMES = (
    *(f"sma_{n}" for n in MEANS),
    *(f"ema_{n}" for n in MEANS),
    *("macd", "macd_signal", "macd_hist", "rsi_2", "rsi_14", "di_plus", "di_minus", "adx", "stoch_k", "stoch_d"),
    *("band_up", "band_down", "atr", "obv"),
)
BARS = ("high", "low", "close", "volume")
SETTLED = 320
WIDEST = 1e-3
"""Largest difference, in standard deviations of the column, after the settling."""
BOUNDS = {"TA-Lib loop": 2.5, "polars_talib": 6.0}


def market(codes: int, sessions: int) -> FeatureInputs:
    """Staged prices whose gaps hold the bar before."""
    inputs = synthetic_inputs(codes, sessions)
    filled = inputs.prices.sort("code", "session").with_columns(pl.col(BARS).forward_fill().over("code"))
    filled = filled.filter(pl.col("close").is_not_null().over("code")).sort(KEY)
    return FeatureInputs(filled.with_columns(mark="close"), inputs.universe, inputs.topix)


def by_loop(bars: pl.DataFrame) -> pl.DataFrame:
    """TA-Lib, one stock after another; rows by code."""
    import talib

    high, low, close, volume = (bars[name].to_numpy() for name in BARS)
    code = bars["code"].to_physical().to_numpy()
    first = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    out = np.empty((len(NAMES), bars.height), np.float32)
    for a, b in zip(first, [*first[1:], bars.height], strict=True):
        h, lo, c, v = high[a:b], low[a:b], close[a:b], volume[a:b]
        up, _, down = talib.BBANDS(c, 20)
        k, d = talib.STOCHF(h, lo, c, 14, 3)
        columns = [
            *(talib.SMA(c, n) for n in MEANS),
            *(talib.EMA(c, n) for n in MEANS),
            *talib.MACD(c),
            *(talib.RSI(c, n) for n in (2, 14)),
            *(talib.PLUS_DI(h, lo, c, 14), talib.MINUS_DI(h, lo, c, 14), talib.ADX(h, lo, c, 14), k / 100, d / 100),
            *(up, down, talib.ATR(h, lo, c, 14), talib.OBV(c, v)),
        ]
        for number, values in enumerate(columns):
            out[number, a:b] = values
    made = {name: pl.Series(out[number], nan_to_null=True) for number, name in enumerate(NAMES)}
    return bars.select(KEY).with_columns(**made)


def by_plugin(bars: pl.DataFrame) -> pl.DataFrame:
    """polars_talib, every expression over code; rows by code."""
    import polars_talib as ta

    h, low, c, v = (pl.col(name) for name in BARS)
    three = {"macd": ta.macd(c), "bands": ta.bbands(c, 20), "stoch": ta.stochf(h, low, c, 14, 3)}
    plain = {
        **{f"sma_{n}": ta.sma(c, n) for n in MEANS},
        **{f"ema_{n}": ta.ema(c, n) for n in MEANS},
        **{f"rsi_{n}": ta.rsi(c, n) for n in (2, 14)},
        "di_plus": ta.plus_di(h, low, c, 14),
        "di_minus": ta.minus_di(h, low, c, 14),
        "adx": ta.adx(h, low, c, 14),
        "atr": ta.atr(h, low, c, 14),
        "obv": ta.obv(c, v),
    }
    made = bars.lazy().with_columns(**{name: x.over("code") for name, x in {**plain, **three}.items()})

    def part(struct: str, place: int) -> pl.Expr:
        return pl.col(struct).struct[place]

    made = made.with_columns(
        macd_line=part("macd", 0),
        macd_signal=part("macd", 1),
        macd_hist=part("macd", 2),
        band_up=part("bands", 0),
        band_down=part("bands", 2),
        stoch_k=part("stoch", 0) / 100,
        stoch_d=part("stoch", 1) / 100,
    ).with_columns(macd="macd_line")
    return made.select(*KEY, *(pl.col(name).cast(pl.Float32).fill_nan(None) for name in NAMES)).collect()


def comparable(made: pl.DataFrame, *, house: bool) -> pl.DataFrame:
    """Settled rows by code, on common conventions: bands of variance over n, the balance in steps."""
    ordered = made.with_columns(pl.col("code").cast(pl.String)).sort("code", "session")
    if house:
        middle, shrink = (pl.col("band_up") + pl.col("band_down")) / 2, math.sqrt(19 / 20)
        bands = {side: middle + (pl.col(side) - middle) * shrink for side in ("band_up", "band_down")}
        ordered = ordered.with_columns(**bands)
    ordered = ordered.with_columns(pl.col("obv").cast(pl.Float64).diff().over("code"))
    return ordered.filter(pl.int_range(pl.len()).over("code") >= SETTLED)


def prove(ours: pl.DataFrame, theirs: pl.DataFrame, peer: str) -> None:
    """Settled columns agree; raises SystemExit with the ones that do not."""
    mine, other = comparable(ours, house=True), comparable(theirs, house=False)
    apart = {}
    for name in NAMES:
        a, b = mine[name].cast(pl.Float64), other[name].cast(pl.Float64)
        missing = int((a.is_null() != b.is_null()).sum())
        apart[name] = (missing, float((a - b).abs().max()) / float(b.std()))
    if bad := {name: gap for name, gap in apart.items() if gap[0] or gap[1] > WIDEST}:
        raise SystemExit(f"{peer}: outputs differ: {bad}")
    widest = max(gap for _, gap in apart.values())
    print(f"proved: {peer} = house, {len(NAMES)} columns, {mine.height:,} settled rows, at most {widest:.1e} sd apart")


def peers() -> dict[str, Callable[[pl.DataFrame], pl.DataFrame]]:
    """Those that are installed."""
    every = {"TA-Lib loop": ("talib", by_loop), "polars_talib": ("polars_talib", by_plugin)}
    return {name: run for name, (module, run) in every.items() if importlib.util.find_spec(module)}


def lines(codes: int = 1000, sessions: int = 460, rounds: int = 3) -> list[Line]:
    """The technical columns of P3."""
    registry, found = declared(), peers()
    inputs = market(codes, sessions)
    bars = inputs.prices.select(*KEY, *BARS).sort("code", "session").with_columns(pl.col("code").cast(pl.Categorical))
    house = partial(compute, NAMES, inputs, **SPAN, registry=registry)
    ours = house()
    made = {name: run(bars) for name, run in found.items()}
    for name, theirs in made.items():
        prove(ours, theirs, name)
    variants: dict[str, Callable[[], object]] = {"house": house}
    variants |= {name: partial(run, bars) for name, run in found.items()}
    variants |= {f"{name}, sorted": partial(theirs.sort, KEY) for name, theirs in made.items()}
    spent = alternate(variants, rounds)
    return per_order(f"{len(NAMES)} technical columns", BOUNDS, spent, bars.height)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=460)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions, given.rounds))


if __name__ == "__main__":
    main()
