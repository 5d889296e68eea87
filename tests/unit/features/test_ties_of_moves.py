"""Two moves of as many ticks are one move, on every basis of prices."""

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs

SESSIONS = tse_calendar().sessions[:300]
NAMES = ["adx_14_score", "di_diff_14"]


def on_basis(split: float) -> dict[str, np.ndarray]:
    """Directional features of a stock whose highs and lows move by whole yen, brought to the basis of a split."""
    rng = stream(5, "ticks")
    middle = 1500.0 + np.cumsum(rng.integers(-3, 4, 300))
    high, low = middle + rng.integers(1, 4, 300), middle - rng.integers(1, 4, 300)
    bars = {"open": middle, "high": high, "low": low, "close": middle, "mark": middle}
    prices = pl.DataFrame(
        {"session": SESSIONS, "code": ["72030"] * 300, **{name: values / split for name, values in bars.items()}}
    ).with_columns(volume=pl.lit(1e5), turnover_jpy=pl.lit(1e8), is_market_halt=False, is_gap=False)
    universe = prices.select("session", "code", is_in_universe=True, sector33_code=pl.lit("0050"))
    topix = pl.DataFrame({"session": SESSIONS, "close_points": [1500.0] * 300, "is_market_halt": [False] * 300})
    inputs = FeatureInputs(prices, universe.with_columns(sector17_code=pl.lit("1")), topix)
    frame = compute(NAMES, inputs, start=SESSIONS[0], end=SESSIONS[-1])
    return {name: frame[name].cast(pl.Float64).to_numpy() for name in NAMES}


@pytest.mark.parametrize("split", [5.0, 3.0, 10.0, 1.1])
def test_direction_of_moves_is_the_same_before_and_after_a_split(split):
    plain, adjusted = on_basis(1.0), on_basis(split)
    for name in NAMES:
        assert np.isfinite(plain[name][90:]).all()
        np.testing.assert_allclose(adjusted[name], plain[name], rtol=1e-5, err_msg=name)
