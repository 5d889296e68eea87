"""The stock against its own industry. Members are U in the sector of the master row of that session."""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_day
from gogoku_pipeline.features.expressions import Expr, F
from gogoku_pipeline.features.operators.cross_section import leave_one_out_mean


@per_day(
    "rel_sec33_{n}d",
    group="sector",
    unit="ratio",
    sources=("@ret_{n}d", "master.S33"),
    needs=("@ret_{n}d[t]",),
    by="sector33",
    members=3,
    windows=(5,),
)
def rel_sec33(n: int) -> Expr:
    """Return of {n} sessions beyond the peers of its sector: ret_{n}d minus its leave-one-out sector mean."""
    own = F(f"ret_{n}d")
    return own - leave_one_out_mean(own, by="sector33")
