"""Denominators that make sense: a share of something that is not positive is no share."""

from __future__ import annotations

from gogoku_pipeline.features.expressions import Expr, constant, greater, where


def positive(x: Expr) -> Expr:
    """X where it is above 0, null elsewhere."""
    return where(greater(x, 0.0), x, constant(float("nan")))


def is_not_positive(x: Expr) -> Expr:
    """1 where x is 0 or less, 0 where it is above, null where it is null: the undefined case of `positive`."""
    return 1 - greater(x, 0.0)
