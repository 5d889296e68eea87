"""A market with gaps, halts, late listings and non-members, and a slow independent graph to compare with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache, partial
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.graph.config import GraphConfig

N_CODES, N_SESSIONS = 48, 150


@pytest.fixture(scope="session")
def config() -> GraphConfig:
    """The house values, for a small market."""
    return GraphConfig(min_nodes=20, k=4)


@pytest.fixture(scope="session")
def sessions() -> list[date]:
    """150 sessions around the outage of 2020-10-01."""
    return list(tse_calendar(date(2020, 6, 1), date(2021, 3, 31)).sessions[:N_SESSIONS])


@pytest.fixture(scope="session")
def returns(sessions: list[date]) -> pl.DataFrame:
    """Six groups of stocks; a third have gaps, some list late, some leave the universe, one session has no trade."""
    rng = np.random.default_rng(20201001)
    shape = (N_SESSIONS, N_CODES)
    market = rng.normal(0, 0.01, (N_SESSIONS, 1))
    groups = rng.normal(0, 0.012, (N_SESSIONS, 6))[:, np.arange(N_CODES) % 6]
    values = market * rng.uniform(0.5, 1.5, N_CODES) + groups + rng.normal(0, 0.012, shape)
    values[(rng.random(shape) < 0.15) & (np.arange(N_CODES) % 3 == 0)] = np.nan
    values[:70, [5, 17, 29]] = np.nan
    values[sessions.index(date(2020, 10, 1))] = np.nan
    member = np.ones(shape, dtype=bool)
    member[90:, [8, 20]] = False
    member[:, 40] = False
    listed = np.ones(shape, dtype=bool)
    listed[:70, [5, 17]] = False
    frame = pl.DataFrame(
        {
            "session": np.repeat(np.array(sessions, dtype="datetime64[D]"), N_CODES),
            "code": np.tile([f"{1300 + 7 * i}0" for i in range(N_CODES)], N_SESSIONS),
            "ret_1d": values.ravel(),
            "ret_5d": _over_a_week(values).ravel(),
            "xs_ret_1d": np.repeat(np.nanmean(np.where(np.isnan(market), np.nan, market), axis=1), N_CODES),
            "mkt_ret_1d": np.repeat(market[:, 0] + rng.normal(0, 0.004, N_SESSIONS), N_CODES),
            "is_in_universe": member.ravel(),
            "sector33_code": np.tile([f"{3050 + 50 * (i % 6)}" for i in range(N_CODES)], N_SESSIONS),
            "market_code": np.tile([("0111", "0112", "0113")[i % 7 % 3] for i in range(N_CODES)], N_SESSIONS),
            "is_listed": listed.ravel(),
        }
    )
    halted = pl.when(pl.col("session") == date(2020, 10, 1)).then(None).otherwise(pl.col("xs_ret_1d"))
    return (
        frame.filter("is_listed")
        .drop("is_listed")
        .with_columns(pl.col("session").cast(pl.Date), pl.col("ret_1d", "ret_5d").fill_nan(None), xs_ret_1d=halted)
        .with_columns(pl.col("ret_1d", "ret_5d", "xs_ret_1d", "mkt_ret_1d").cast(pl.Float32))
    )


def _over_a_week(values: np.ndarray) -> np.ndarray:
    """[sessions, codes] compounded return of five sessions; NaN at the head or without a single one."""
    weeks = np.full(values.shape, np.nan)
    for s in range(5, len(values)):
        known = np.isfinite(values[s - 4 : s + 1])
        weeks[s] = np.where(known.any(axis=0), np.prod(1 + np.nan_to_num(values[s - 4 : s + 1]), axis=0) - 1, np.nan)
    return weeks


@pytest.fixture(scope="session")
def oracle(returns: pl.DataFrame) -> Callable[[date, GraphConfig], dict[tuple[str, str], float]]:
    """The edges of one session, the slow way: pandas frames, lstsq, np.cov, one pair at a time; computed once."""
    return cache(partial(_oracle_edges, returns))


@pytest.fixture(scope="session")
def every_pair(returns: pl.DataFrame) -> Callable[[date, GraphConfig], dict[tuple[str, str], float]]:
    """The shrunk correlation of every pair of nodes that can be compared, the same slow way; computed once."""
    return cache(partial(_oracle_pairs, returns))


@pytest.fixture(scope="session")
def residuals_of(returns: pl.DataFrame) -> Callable[[date, GraphConfig], pd.DataFrame]:
    """The residuals [sessions of the window, nodes] of one session, the same slow way; computed once."""
    return cache(lambda session, config: _oracle_residuals(returns, session, config)[0])


def _oracle_edges(returns: pl.DataFrame, session: date, config: GraphConfig) -> dict[tuple[str, str], float]:
    rho = _oracle_pairs(returns, session, config)
    strong = {pair: value for pair, value in rho.items() if abs(value) >= config.threshold}
    kept = set()
    for code in {code for pair in strong for code in pair}:
        mine = sorted((pair for pair in strong if code in pair), key=lambda pair: (-abs(strong[pair]), pair))
        kept |= set(mine[: config.k])
    return {pair: strong[pair] for pair in sorted(kept)}


def _oracle_pairs(returns: pl.DataFrame, session: date, config: GraphConfig) -> dict[tuple[str, str], float]:
    residuals, weights = _oracle_residuals(returns, session, config)
    known, values = residuals.notna().to_numpy().T, residuals.to_numpy().T
    rho = {}
    for (i, a), (j, b) in combinations(enumerate(residuals), 2):
        both = known[i] & known[j]
        if both.sum() >= config.min_common:
            cov = np.cov(values[i][both], values[j][both], aweights=weights.to_numpy()[both], ddof=0)
            rho[min(a, b), max(a, b)] = config.shrink * cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])
    return rho


def _oracle_residuals(returns: pl.DataFrame, session: date, config: GraphConfig) -> tuple[pd.DataFrame, pd.Series]:
    rows = returns.filter(pl.col("session") <= session).to_pandas()
    wide = rows.pivot(index="session", columns="code", values="ret_1d").sort_index().astype(float).tail(config.window)
    column = "mkt_ret_1d" if config.residual == "topix" else "xs_ret_1d"
    shared = rows.groupby("session")[column].first().astype(float).reindex(wide.index)
    sectors = _oracle_sectors(rows, wide.index) if config.residual == "sector" else {}
    age = np.arange(len(wide))[::-1]
    weights = pd.Series(0.5 ** (age / config.half_life), index=wide.index)
    members = returns.filter((pl.col("session") == session) & pl.col("is_in_universe"))["code"].to_list()
    residuals = {}
    for code in sorted(set(members) & set(wide.columns)):
        market = sectors[code] if sectors else shared
        known = wide[code].notna() & market.notna()
        if known.sum() >= config.min_sessions:
            root = np.sqrt(weights[known].to_numpy())
            line = np.column_stack([np.ones(known.sum()), market[known]])
            fitted = np.linalg.lstsq(line * root[:, None], wide[code][known] * root, rcond=None)[0]
            residuals[code] = (wide[code][known] - line @ fitted).reindex(wide.index)
    return pd.DataFrame(residuals), weights


def _oracle_sectors(rows: pd.DataFrame, index: pd.Index) -> dict[str, pd.Series]:
    """What the other members of each stock's sector did on average, session by session; at least two of them."""
    values, member, sector = (
        rows.pivot(index="session", columns="code", values=name).reindex(index)
        for name in ("ret_1d", "is_in_universe", "sector33_code")
    )
    seen = values.astype(float).where(member.notna() & (member != False))  # noqa: E712
    answer = {}
    for code in values:
        peers = seen.where(sector.eq(sector[code], axis=0)).drop(columns=code)
        answer[code] = peers.mean(axis=1).where(peers.notna().sum(axis=1) >= 2)
    return answer
