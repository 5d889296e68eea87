"""The 158 columns of qlib's set against their definitions written once more, window by window, in plain NumPy."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.alpha158.frame import alpha158
from gogoku_pipeline.features.alpha158.names import NAMES, WINDOWS
from tests.laws.features.small_market import SESSIONS

FIELDS = ("open", "high", "low", "close", "volume", "turnover_jpy", "volume_shares", "factor")


def drawn_prices(sessions: int = 95, codes: int = 5, seed: int = 4) -> pl.DataFrame:
    """Walks on a coarse tick (so that ties happen), silent days, a late listing, a still stretch, a gap, a split."""
    rng = stream(seed, "alpha158")
    days = SESSIONS[:sessions]
    frames = []
    for i in range(codes):
        close = np.round(1000 * np.exp(np.cumsum(rng.normal(0, 0.02, sessions))))
        if i == 2:
            close[30:48] = 700.0
        opening = np.round(close * np.exp(rng.normal(0, 0.01, sessions)))
        high = np.maximum(close, opening) + np.round(rng.exponential(4, sessions))
        low = np.minimum(close, opening) - np.round(rng.exponential(4, sessions))
        shares = 100 * rng.integers(1, 900, sessions).astype(float)
        factor = np.where(np.arange(sessions) >= 50, 0.5, 1.0) if i == 3 else np.ones(sessions)
        values = {
            "open": opening,
            "high": high,
            "low": low,
            "close": close,
            "volume": shares * factor,
            "turnover_jpy": shares * factor * (high + low) / 2,
            "volume_shares": shares,
            "factor": factor,
        }
        silent = rng.random(sessions) < (0.0, 0.1, 0.05, 0.05, 0.5)[i]
        gap = np.isin(np.arange(sessions), (60, 61)) if i == 1 else np.zeros(sessions, dtype=bool)
        for name in ("open", "high", "low", "close"):
            values[name] = np.where(silent | gap, np.nan, values[name])
        values["volume"] = np.where(gap, np.nan, np.where(silent, 0.0, values["volume"]))
        frame = pl.DataFrame({"session": days, "code": [f"{1000 + i}0"] * sessions, **values, "is_gap": gap})
        frames.append(frame.slice(40 if i == 3 else 0))
    prices = pl.concat(frames).with_columns(pl.col(pl.Float64).fill_nan(None), is_market_halt=False)
    return prices.with_columns(mark="close").sample(fraction=1.0, shuffle=True, seed=1)


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    good = ~(np.isnan(x) | np.isnan(y))
    x, y = x[good], y[good]
    if x.size < 2 or x.std(ddof=1) <= 2e-5 or y.std(ddof=1) <= 2e-5:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def rising(steps: np.ndarray, name: str) -> dict[str, float]:
    steps = steps[~np.isnan(steps)]
    if steps.size == 0:
        return {}
    up, down = steps[steps > 0].sum(), -steps[steps < 0].sum()
    whole = np.abs(steps).sum() + 1e-12
    return {f"{name}P": up / whole, f"{name}N": down / whole, f"{name}D": (up - down) / whole}


def line(window: np.ndarray) -> dict[str, float]:
    """Least squares of the closes present on their places."""
    place, y = np.flatnonzero(~np.isnan(window)), window[~np.isnan(window)]
    if y.size < 2:
        return {}
    slope, level = np.polyfit(place, y, 1)
    still = y.std(ddof=1) <= 2e-5
    return {
        "BETA": slope / window[-1],
        "RESI": (window[-1] - (slope * (window.size - 1) + level)) / window[-1],
        "RSQR": math.nan if still else np.corrcoef(place, y)[0, 1] ** 2,
    }


def windowed(bars: dict[str, np.ndarray], t: int, n: int) -> dict[str, float]:
    """Every rolling column of one row and one window."""
    first = max(0, t - n + 1)
    h, low, c, v = (bars[name][first : t + 1] for name in ("high", "low", "close", "volume"))
    before = {name: np.concatenate(([np.nan], values))[first : t + 1] for name, values in bars.items()}
    there, now, turned = c[~np.isnan(c)], c[-1], v[-1]
    ratio, change = c / before["close"], np.log(v / before["volume"] + 1)
    worth = (np.abs(ratio - 1) * v)[~np.isnan(ratio)]
    step = c - before["close"]
    out = {
        "ROC": bars["close"][t - n] / now if t >= n else math.nan,
        "CORR": correlation(c, np.log(v + 1)),
        "CORD": correlation(ratio, change),
        "CNTP": np.mean(step > 0),
        "CNTN": np.mean(step < 0),
        "CNTD": np.mean(step > 0) - np.mean(step < 0),
        **rising(step, "SUM"),
        **rising(v - before["volume"], "VSUM"),
        **line(c),
    }
    if worth.size > 1:
        out["WVMA"] = worth.std(ddof=1) / (worth.mean() + 1e-12)
    if there.size == 0:
        return out
    top, bottom = np.nanmax(h), np.nanmin(low)
    out |= {"IMAX": (np.argmax(h) + 1) / n, "IMIN": (np.argmin(low) + 1) / n}
    out["IMXD"] = (np.argmax(h) - np.argmin(low)) / n
    if np.isnan(now):
        return out
    volumes = v[~np.isnan(v)]
    out |= {
        "MA": there.mean() / now,
        "MAX": top / now,
        "MIN": bottom / now,
        "RSV": (now - bottom) / (top - bottom + 1e-12),
    }
    out |= {"QTLU": np.quantile(there, 0.8) / now, "QTLD": np.quantile(there, 0.2) / now}
    out["RANK"] = (np.sum(there < now) + (np.sum(there == now) + 1) / 2) / there.size
    out["VMA"] = volumes.mean() / (turned + 1e-12)
    if there.size > 1:
        out |= {"STD": there.std(ddof=1) / now, "VSTD": volumes.std(ddof=1) / (turned + 1e-12)}
    return out


def candle(bars: dict[str, np.ndarray], t: int) -> dict[str, float]:
    o, h, low, c, w = (bars[name][t] for name in ("open", "high", "low", "close", "vwap"))
    span = h - low + 1e-12
    upper, lower, shift = h - max(o, c), min(o, c) - low, 2 * c - h - low
    out = {"KMID": (c - o) / o, "KLEN": (h - low) / o, "KMID2": (c - o) / span, "KUP": upper / o, "KUP2": upper / span}
    out |= {"KLOW": lower / o, "KLOW2": lower / span, "KSFT": shift / o, "KSFT2": shift / span}
    return out | {"OPEN0": o / c, "HIGH0": h / c, "LOW0": low / c, "VWAP0": w / c}


def by_hand(prices: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for (code,), stock in prices.sort("session").partition_by("code", as_dict=True).items():
        traded = (stock["close"].is_not_null() & (stock["volume"].fill_null(0) > 0)).to_numpy()
        with np.errstate(all="ignore"):
            bars = {name: np.where(traded, stock[name].fill_null(np.nan).to_numpy(), np.nan) for name in FIELDS}
            bars["vwap"] = bars["turnover_jpy"] / bars["volume_shares"] / bars["factor"]
            for t, (day, gap) in enumerate(stock.select("session", "is_gap").iter_rows()):
                if gap:
                    continue
                found = candle(bars, t)
                for n in WINDOWS:
                    found |= {f"{name}{n}": value for name, value in windowed(bars, t, n).items()}
                rows.append({"session": day, "code": code, **{name: found.get(name, math.nan) for name in NAMES}})
    return pl.DataFrame(rows).sort("session", "code")


@pytest.fixture(scope="module")
def prices() -> pl.DataFrame:
    return drawn_prices()


@pytest.fixture(scope="module")
def columns(prices: pl.DataFrame) -> pl.DataFrame:
    return alpha158(prices)


def test_the_set_has_the_158_names_of_qlib_in_its_order() -> None:
    assert len(NAMES) == len(set(NAMES)) == 158
    assert NAMES[:13] == (
        *("KMID", "KLEN", "KMID2", "KUP", "KUP2", "KLOW", "KLOW2", "KSFT", "KSFT2"),
        *("OPEN0", "HIGH0", "LOW0", "VWAP0"),
    )
    assert NAMES[13:19] == ("ROC5", "ROC10", "ROC20", "ROC30", "ROC60", "MA5")
    assert NAMES[-1] == "VSUMD60"


def test_every_column_equals_its_definition_computed_window_by_window(
    prices: pl.DataFrame, columns: pl.DataFrame
) -> None:
    hand = by_hand(prices)
    assert columns.select("session", "code").equals(hand.select("session", "code").cast({"code": pl.String}))
    for name in NAMES:
        mine, other = columns[name].fill_null(np.nan).to_numpy().astype(float), hand[name].to_numpy()
        other = np.where(np.isfinite(other), other, np.nan)
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(other), err_msg=name)
        np.testing.assert_allclose(mine, other, rtol=2e-6, atol=3e-7, err_msg=name)


def test_values_are_float32_and_missing_ones_are_null(columns: pl.DataFrame) -> None:
    values = columns.select(NAMES)
    assert set(values.dtypes) == {pl.Float32}
    assert values.select(pl.all().is_finite().all()).row(0) == (True,) * len(NAMES)
    assert columns["ROC60"].null_count() > 0


def test_rows_come_by_session_and_code_and_gaps_are_no_rows(prices: pl.DataFrame, columns: pl.DataFrame) -> None:
    assert columns.select("session", "code").equals(
        prices.filter(~pl.col("is_gap")).select("session", "code").sort("session", "code")
    )


def test_what_comes_later_changes_no_bit(prices: pl.DataFrame, columns: pl.DataFrame) -> None:
    for cut in (SESSIONS[3], SESSIONS[45], SESSIONS[70]):
        known = alpha158(prices.filter(pl.col("session") <= cut))
        assert known.equals(columns.filter(pl.col("session") <= cut))


def test_sixty_sessions_before_a_row_are_all_it_needs(prices: pl.DataFrame, columns: pl.DataFrame) -> None:
    start, last = SESSIONS[20], SESSIONS[20 + max(WINDOWS)]
    late = alpha158(prices.filter(pl.col("session") >= start))
    assert late.filter(pl.col("session") >= last).equals(columns.filter(pl.col("session") >= last))


def test_an_empty_table_of_prices_gives_an_empty_table(prices: pl.DataFrame) -> None:
    nothing = alpha158(prices.clear())
    assert nothing.columns == ["session", "code", *NAMES]
    assert nothing.height == 0


def test_doubled_sessions_and_missing_columns_are_refused(prices: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="exactly one row per session"):
        alpha158(pl.concat([prices, prices.head(1)]))
    with pytest.raises(SchemaError, match="close"):
        alpha158(prices.drop("close"))


def test_a_missing_session_is_refused(prices: pl.DataFrame) -> None:
    hole = SESSIONS[60]
    with pytest.raises(DataError, match="exactly one row per session"):
        alpha158(prices.filter((pl.col("session") != hole) | (pl.col("code") != "10000")))
