"""Styles against each other: growth, small and value indices. Part of group market."""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_market
from gogoku_pipeline.features.expressions import Expr, K
from gogoku_pipeline.features.operators.windows import lag


def relative_20d(style: str) -> Expr:
    """Change of a style's index over 20 sessions beyond that of the index it is held against."""
    own, base = K(f"indices.{style}"), K(f"indices.{style}_base")
    return own / lag(own, 20) - base / lag(base, 20)


@per_market(
    "idx_growth_rel_20d",
    group="market",
    role="market",
    unit="ratio",
    plan="Standard",
    window="E21",
    min_obs=2,
    sources=("indices.Code", "indices.C"),
    needs=(
        "indices.growth[t]",
        "indices.growth[t-20]",
        "indices.growth_base[t]",
        "indices.growth_base[t-20]",
    ),
)
def idx_growth_rel_20d() -> Expr:
    """Growth stocks against the whole market over a month: 20-session return of index 0070 minus that of index 0000."""
    return relative_20d("growth")


@per_market(
    "idx_small_rel_20d",
    group="market",
    role="market",
    unit="ratio",
    plan="Standard",
    window="E21",
    min_obs=2,
    sources=("indices.Code", "indices.C"),
    needs=(
        "indices.small[t]",
        "indices.small[t-20]",
        "indices.small_base[t]",
        "indices.small_base[t-20]",
    ),
)
def idx_small_rel_20d() -> Expr:
    """Small stocks against the largest over a month: 20-session return of index 002D minus that of index 0028."""
    return relative_20d("small")


@per_market(
    "idx_value_rel_20d",
    group="market",
    role="market",
    unit="ratio",
    plan="Standard",
    window="E21",
    min_obs=2,
    sources=("indices.Code", "indices.C"),
    needs=(
        "indices.value[t]",
        "indices.value[t-20]",
        "indices.value_base[t]",
        "indices.value_base[t-20]",
    ),
)
def idx_value_rel_20d() -> Expr:
    """Value stocks against growth stocks over a month: 20-session return of index 8100 minus that of index 8200."""
    return relative_20d("value")
