"""What an edge carries besides its weight: shared sector and market section, and how it changed in 20 sessions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.graph.config import LAG_SESSIONS, GraphConfig
from gogoku_pipeline.graph.exact import score_list, standardise
from gogoku_pipeline.graph.matrix import Floats, Labels, Places, ReturnMatrix
from gogoku_pipeline.graph.windows import DayWindow, day_window


def weight_delta(
    matrix: ReturnMatrix, window: DayWindow, pairs: tuple[Places, Places], weights: Floats, config: GraphConfig
) -> pl.Series:
    """How much closer each joined pair moves than 20 sessions ago: its weight minus its shrunk correlation then.

    Args:
        matrix: the returns, reaching `config.lookback_sessions` sessions back.
        window: the session's window.
        pairs: [edges] places of both ends among the window's nodes.
        weights: [edges] shrunk correlations of the session, in double precision.
        config: the dials.

    Returns:
        Float32 series, null where the pair could not be compared then: one of the two was no node of that session,
        they shared too few sessions, or the session has no graph or no returns.
    """
    then = _correlations_then(matrix, window, pairs, config)
    delta = np.where(then != 0.0, weights - config.shrink * then, np.nan)
    return pl.Series(delta.astype(np.float32)).fill_nan(None)


def _correlations_then(
    matrix: ReturnMatrix, window: DayWindow, pairs: tuple[Places, Places], config: GraphConfig
) -> Floats:
    """[edges] correlation 20 sessions ago; 0 where there was none, as everywhere in `exact`."""
    scores = np.zeros(len(pairs[0]))
    session = matrix.before(window.session, LAG_SESSIONS)
    if session is None:
        return scores
    then = day_window(matrix, session, config)
    if then.nodes.size == 0:
        return scores
    at = np.minimum(np.searchsorted(then.nodes, window.nodes), then.nodes.size - 1)
    at = np.where(then.nodes[at] == window.nodes, at, -1)
    one, other = at[pairs[0]], at[pairs[1]]
    both = (one >= 0) & (other >= 0)
    recent = then.residuals[:, 1:]
    lively = np.isfinite(recent).any(axis=0)
    if lively.sum() < config.min_common:
        return scores
    series = np.ascontiguousarray(recent[:, lively])
    share = then.weights[lively] / then.weights[lively].sum()
    found = np.zeros(int(both.sum()))
    whole = np.isfinite(series).all(axis=1)
    score_list(one[both], other[both], standardise(series, share), series, whole, (share, config.min_common), found)
    scores[both] = found
    return scores


def shared(labels: Labels | None, place: int, one: Places, other: Places) -> pl.Series:
    """Whether both ends carry the same label on a session; null where one of them has none.

    Args:
        labels: sector or section; None when the table of returns has no such column: all null.
        place: row of the session.
        one: [edges] places of the first ends on the code axis.
        other: [edges] places of the second ends.
    """
    if labels is None:
        return pl.repeat(None, len(one), dtype=pl.Boolean, eager=True)
    here = labels.places[place]
    left, right = here[one], here[other]
    known: npt.NDArray[np.bool_] = (left >= 0) & (right >= 0)
    same = pl.DataFrame({"known": known, "same": left == right})
    return same.select(pl.when("known").then("same")).to_series()
