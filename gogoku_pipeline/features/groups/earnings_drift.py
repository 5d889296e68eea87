"""What results leave behind: surprises against the seasonal pattern, and drifts that halve every 20 sessions."""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, F, K
from gogoku_pipeline.features.operators.holding import faded

HALF_LIFE_SESSIONS = 20


@per_stock(
    "sue_op_z",
    group="earnings",
    unit="zscore",
    plan="Light",
    window="Q13",
    min_obs=9,
    sources=("summary.OP",),
    needs=("fin.sue_op[t]",),
)
def sue_op_z() -> Expr:
    """Surprise of operating profit: (OP_q - OP_q4) / sd (ddof 1) of the 8 previous seasonal differences (at least 4)."""  # noqa: E501
    return K("fin.sue_op")


@per_stock(
    "sue_sales_z",
    group="earnings",
    unit="zscore",
    plan="Light",
    window="Q13",
    min_obs=9,
    sources=("summary.Sales",),
    needs=("fin.sue_sales[t]",),
)
def sue_sales_z() -> Expr:
    """Surprise in sales: the same for Sales."""
    return K("fin.sue_sales")


@per_stock(
    "pead_sue",
    group="earnings",
    unit="zscore",
    plan="Light",
    window="P",
    sources=("@sue_op_z", "@earn_age_sessions"),
    needs=("@sue_op_z[t]", "@earn_age_sessions[t]"),
)
def pead_sue() -> Expr:
    """What is left of the profit surprise: sue_op_z * 2^(-earn_age_sessions/20)."""
    return faded(F("sue_op_z"), F("earn_age_sessions"), HALF_LIFE_SESSIONS)


@per_stock(
    "pead_reaction",
    group="earnings",
    unit="ratio",
    window="P",
    sources=("@earn_reaction_1d", "@earn_age_sessions"),
    needs=("@earn_reaction_1d[t]", "@earn_age_sessions[t]"),
)
def pead_reaction() -> Expr:
    """What is left of the market's reaction: earn_reaction_1d * 2^(-earn_age_sessions/20)."""
    return faded(F("earn_reaction_1d"), F("earn_age_sessions"), HALF_LIFE_SESSIONS)


@per_stock(
    "pead_guidance",
    group="earnings",
    unit="ratio",
    window="P",
    sources=("@gd_rev_np_mcap", "@gd_rev_age_sessions"),
    needs=("@gd_rev_np_mcap[t]", "@gd_rev_age_sessions[t]"),
)
def pead_guidance() -> Expr:
    """What is left of the last change of guidance: gd_rev_np_mcap * 2^(-gd_rev_age_sessions/20)."""
    return faded(F("gd_rev_np_mcap"), F("gd_rev_age_sessions"), HALF_LIFE_SESSIONS)
