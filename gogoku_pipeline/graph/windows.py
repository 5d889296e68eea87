"""The dense window of one session: nodes, residual returns, session weights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.exact import fit_residuals
from gogoku_pipeline.graph.matrix import Floats, Places, ReturnMatrix, needed

PEERS = 2
"""Other stocks of its sector a stock needs on a session to have a sector return (as `rel_sec33_1d` does)."""


@dataclass(frozen=True)
class DayWindow:
    """What the graph of one session stands on.

    Attributes:
        session: the session t.
        nodes: places on the code axis of the stocks in the graph, ascending; empty on a degenerate day.
        residuals: [nodes, window + 1] Float64, oldest session first (t - window .. t), NaN where there is no return.
        weights: [window] weight of each of the last `window` sessions; they sum to one.
    """

    session: date
    nodes: Places
    residuals: Floats
    weights: Floats


def session_weights(config: GraphConfig) -> Floats:
    """Weight of each session of the window, oldest first: 0.5 ** (age / half_life), summing to one."""
    age = np.arange(config.window - 1, -1, -1, dtype=np.float64)
    raw = 0.5 ** (age / config.half_life)
    weights: Floats = raw / raw.sum()
    return weights


def day_window(matrix: ReturnMatrix, session: date, config: GraphConfig) -> DayWindow:
    """The residual returns on which the graph of one session stands; reads nothing after the session.

    A node is a stock that is in the universe on t with at least `min_sessions` returns in the window. Its residual is
    e = r - a - b * factor, where a and b are its weighted least squares over the sessions in which both exist; the
    weights are those of the correlation, so that no part of the factor is left in a weighted correlation. The session
    before the window (used by the lead-lag feature only) gets the residual of the same a and b.

    Raises:
        SchemaError: the returns lack the column that `config.residual` reads.
    """
    place = matrix.place(session)
    width = config.window + 1
    rows = slice(max(0, place + 1 - width), place + 1)
    factor = pad_head(_factor(matrix, rows, config), width)
    returns = pad_head(matrix.returns[rows], width)
    seen = np.isfinite(returns) & np.isfinite(factor)
    nodes = np.flatnonzero(matrix.is_in_universe[place] & (seen[1:].sum(axis=0) >= config.min_sessions))
    weights = session_weights(config)
    if nodes.size < config.min_nodes:
        return DayWindow(session, np.empty(0, dtype=np.int64), np.empty((0, width)), weights)
    shared = factor.shape[1] == 1
    explained = np.ascontiguousarray(factor.T if shared else factor[:, nodes].T)
    residuals = fit_residuals(np.ascontiguousarray(returns[:, nodes].T), explained, weights)
    return DayWindow(session, nodes, residuals, weights)


def _factor(matrix: ReturnMatrix, rows: slice, config: GraphConfig) -> Floats:
    """[sessions, 1 or codes] what is taken out of the returns."""
    if config.residual == "sector":
        return sector_returns(matrix, rows)
    return market_returns(matrix, config)[rows, None]


def market_returns(matrix: ReturnMatrix, config: GraphConfig) -> Floats:
    """[sessions] the market as the settings name it: the mean of all stocks, or TOPIX."""
    if config.residual != "topix":
        return matrix.market
    return needed(matrix.topix, "mkt_ret_1d", "GraphConfig.residual = 'topix'")


def sector_returns(matrix: ReturnMatrix, rows: slice, sectors: npt.NDArray[np.int32] | None = None) -> Floats:
    """What the other stocks of each stock's sector did: mean of their ret_1d, the stock itself left out.

    Args:
        matrix: the returns; members are the universe of each session, in the sectors of that session.
        rows: sessions wanted.
        sectors: [codes] the sector whose return each code gets; None: its own on each session.

    Returns:
        [sessions, codes], NaN where fewer than two others have a return.
    """
    known = needed(matrix.sector, "sector33_code", "a sector return")
    own, values = known.places[rows], matrix.returns[rows]
    counted = matrix.is_in_universe[rows] & (own >= 0) & np.isfinite(values)
    n_sectors = len(known.names)
    base = np.arange(len(own))[:, None] * n_sectors
    key = (base + own)[counted]
    sums = np.bincount(key, weights=values[counted], minlength=len(own) * n_sectors)
    sizes = np.bincount(key, minlength=len(own) * n_sectors)
    asked = own if sectors is None else np.broadcast_to(sectors, own.shape)
    at = np.where(asked >= 0, base + asked, 0)
    itself = counted & (own == asked)
    others = np.where(asked >= 0, sizes[at] - itself, 0)
    total = sums[at] - np.where(itself, values, 0.0)
    out = np.full(own.shape, np.nan)
    np.divide(total, others, out=out, where=others >= PEERS)
    return out


def pad_head(values: Floats, length: int) -> Floats:
    """The newest rows, with rows of NaN before them where history is shorter than wanted."""
    if len(values) == length:
        return values
    head = np.full((length - len(values), *values.shape[1:]), np.nan)
    return np.concatenate([head, values])
