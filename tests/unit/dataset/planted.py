"""A small synthetic market with a planted signal, as frames: raw features, universe and labels.

The label's rank is driven by `signal` (a known mixture of features) plus noise; everything else is noise.
"""

from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
import polars as pl
from scipy.special import ndtri
from scipy.stats import rankdata

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.splits import label_span

CALENDAR = tse_calendar(date(2018, 1, 1), date(2024, 12, 30))


@dataclass(frozen=True)
class ToyFeature:
    name: str
    role: str = "stock"
    unit: str = "ratio"
    axis: str = ""


@dataclass(frozen=True)
class ToyCatalogue:
    features: tuple
    hash: str = "toy-catalogue-1"

    @property
    def names(self):
        return tuple(feature.name for feature in self.features)


@dataclass(frozen=True)
class PlantedMarket:
    catalogue: ToyCatalogue
    features: pl.DataFrame
    universe: pl.DataFrame
    labels: pl.DataFrame
    sessions: tuple
    codes: tuple
    oracle: np.ndarray  # [T, N] noiseless signal


def market_catalogue(n_features):
    named = [ToyFeature(name) for name in ("ret_1d", "ret_5d", "ret_250d_skip20", "vol_20d")]
    rest = [ToyFeature(f"noise_{place}") for place in range(n_features - len(named) - 2)]
    return ToyCatalogue((*named, *rest, ToyFeature("mkt_ret_1d", role="market"), ToyFeature("is_new", unit="flag")))


def planted_market(n_stocks=40, n_sessions=80, n_features=10, seed=7, strength=1.0, horizon_d=5, missing=0.02):
    """Signal: -ret_1d + 0.7 ret_5d * sign(vol_20d) - 0.5 vol_20d, of variance `strength` against noise of 1."""
    rng = np.random.default_rng(seed)
    catalogue = market_catalogue(n_features)
    sessions = CALENDAR.between(date(2018, 6, 1), CALENDAR.last)[:n_sessions]
    codes = tuple(f"{1000 + place}0" for place in range(n_stocks))
    values = rng.normal(size=(n_sessions, n_stocks, n_features)).astype(np.float32)
    for step in range(1, n_sessions):  # slow features, like real ones
        values[step, :, 1:] = 0.9 * values[step - 1, :, 1:] + np.sqrt(1 - 0.81) * values[step, :, 1:]
    values[:, :, -2] = values[:, :1, -2]
    values[:, :, -1] = values[:, :, -1] > 1.0
    ret_1d, ret_5d, vol = values[:, :, 0], values[:, :, 1], values[:, :, 3]
    signal = -ret_1d + 0.7 * ret_5d * np.sign(vol) - 0.5 * vol
    signal = signal / signal.std() * np.sqrt(strength)
    outcome = 0.02 * (signal + rng.normal(size=signal.shape))
    cells = values.copy()
    cells[rng.random(cells.shape) < missing] = np.nan
    cells[:, :, -1] = values[:, :, -1]
    keys = {
        "session": pl.Series(np.repeat(np.arange(n_sessions), n_stocks)).map_elements(
            lambda place: sessions[place], return_dtype=pl.Date
        ),
        "code": list(codes) * n_sessions,
    }
    flat = cells.reshape(-1, n_features)
    columns = {name: flat[:, place] for place, name in enumerate(catalogue.names)}
    features = pl.DataFrame({**keys, **columns}).with_columns(pl.col(catalogue.names).fill_nan(None))
    sector = [f"{50 + place % 5:04d}" for place in range(n_stocks)]
    universe = pl.DataFrame(keys).with_columns(
        pl.Series("sector33_code", sector * n_sessions),
        pl.Series("sector17_code", [code[-2:] for code in sector] * n_sessions),
        pl.lit("0111").alias("market_code"),
        pl.lit(True).alias("is_in_universe"),
        pl.lit(True).alias("is_tradable"),
    )
    return PlantedMarket(
        catalogue, features, universe, _labels(keys, outcome, sessions, horizon_d), tuple(sessions), codes, signal
    )


def _labels(keys, outcome, sessions, horizon_d):
    days, n_stocks = outcome.shape
    gauss = np.stack([ndtri((rankdata(day) - 0.5) / n_stocks) for day in outcome])
    first = CALENDAR.index(sessions[0])
    exits = [CALENDAR.sessions[first + place + label_span(horizon_d)] for place in range(days)]
    known = [datetime.combine(day, time(16, 30), JST) for day in exits]
    return pl.DataFrame(
        {
            **keys,
            "horizon_d": pl.Series([horizon_d] * outcome.size, dtype=pl.Int16),
            "exit_session": np.repeat(np.array(exits, dtype="datetime64[D]"), n_stocks),
            "ret_open": outcome.reshape(-1),
            "excess_open": (outcome - outcome.mean(axis=1, keepdims=True)).reshape(-1),
            "gauss_open": gauss.reshape(-1),
            "available_at": pl.Series([stamp for stamp in known for _ in range(n_stocks)]).dt.convert_time_zone(
                "Asia/Tokyo"
            ),
        }
    )
