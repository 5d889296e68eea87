"""In a market with known groups of relatives, the graph finds them and knows who moves against whom."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig.preset("small", seed=7))


@pytest.fixture(scope="module")
def edges(market):
    """Edges of the last session among ordinary shares; days with a split of the stock are left out."""
    close = np.where(market.traded(), market.history.close, np.nan).astype(float)
    returns = np.full(close.shape, np.nan)
    returns[1:] = close[1:] / close[:-1] - 1
    for event in market.splits:
        returns[event.session, event.issue] = np.nan
    returns[:, ~market.listings.is_stock] = np.nan
    known = np.isfinite(returns)
    average = np.where(known.any(axis=1), np.nansum(returns, axis=1) / np.maximum(known.sum(axis=1), 1), np.nan)
    frame = pl.DataFrame(
        {
            "session": np.repeat(np.array(market.sessions, dtype="datetime64[D]"), len(market.codes)),
            "code": list(market.codes) * len(market.sessions),
            "ret_1d": returns.ravel(),
            "xs_ret_1d": np.repeat(average, len(market.codes)),
            "is_in_universe": np.tile(market.listings.is_stock, len(market.sessions)),
        }
    )
    return build_edges(frame, [market.sessions[-1]], GraphConfig(min_nodes=100))


def test_the_planted_relatives_are_found_with_their_signs(market, edges):
    """Relatives are joined at least four times as often as strangers, and nearly always with the planted sign."""
    truth = pl.DataFrame({"code": market.codes, "group": market.exposures.group, "sign": market.exposures.sign})
    truth = truth.filter(market.listings.is_stock)
    pairs = truth.join(truth, how="cross", suffix="_j").filter(pl.col("code") < pl.col("code_j"))
    pairs = pairs.join(
        edges, left_on=["code", "code_j"], right_on=["code_i", "code_j"], how="left", maintain_order="left"
    )
    related = (pl.col("group") >= 0) & (pl.col("group") == pl.col("group_j"))
    joined = pl.col("weight").is_not_null().mean()
    found, by_chance = pairs.filter(related).select(joined).item(), pairs.filter(~related).select(joined).item()
    assert found > 4 * by_chance > 0
    relatives = pairs.filter(related & pl.col("weight").is_not_null())
    agrees = pl.col("weight").sign() == pl.col("sign") * pl.col("sign_j")
    assert relatives.height > 100
    assert relatives.select(agrees.mean()).item() > 0.97
