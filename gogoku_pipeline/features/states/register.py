"""Which states exist, by alias."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.states import (
    alert,
    alert_day,
    breakdown,
    calendar,
    clock,
    dividend_forecasts,
    dividends,
    earnings,
    fiscal_years,
    flow,
    flow_section,
    futures,
    guidance,
    indices,
    listing,
    margin,
    margin_week,
    nikkei_etf,
    options,
    schedules,
    shares,
    short_positions,
    short_ratio,
    statements,
)
from gogoku_pipeline.features.states.state import State

_MODULES: tuple[State, ...] = (
    listing.STATE,
    flow.STATE,
    flow_section.STATE,
    margin.STATE,
    margin_week.STATE,
    alert.STATE,
    alert_day.STATE,
    short_ratio.STATE,
    short_ratio.MARKET_STATE,
    short_positions.STATE,
    breakdown.STATE,
    calendar.STATE,
    clock.STATE,
    dividend_forecasts.STATE,
    dividends.STATE,
    fiscal_years.STATE,
    earnings.STATE,
    schedules.STATE,
    statements.STATE,
    guidance.STATE,
    shares.STATE,
    nikkei_etf.STATE,
    futures.STATE,
    indices.STATE,
    options.STATE,
)

STATES: Mapping[str, State] = MappingProxyType({state.alias: state for state in _MODULES})
"""Alias to state."""


def state_of(leaf: str) -> tuple[State, str]:
    """State and column of a leaf such as `margin.long_shares`; raises FeatureError for an unknown one."""
    alias, _, column = leaf.partition(".")
    state = STATES.get(alias)
    if state is None or column not in state.columns:
        raise FeatureError(
            f"leaf {leaf}",
            got="an unknown state" if state is None else f"no column {column!r}",
            want=f"one of {', '.join(STATES if state is None else state.columns)}",
            remedy="Declare it in features/states.",
        )
    return state, column
