"""Tables asked over the exchange's whole calendar, so that nothing published before a range looks new in it."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states.state import Known


def over_whole_calendar(known: Known) -> Known:
    """`known` with every session of the exchange: what became known before the range keeps its own session.

    Where ages and spells are counted, a row must lie on the session at which it was truly known, not on the first one
    of a range. Staging functions that ask this way cut their result back to `known.sessions` themselves.
    """
    return replace(known, sessions=pl.Series("session", tse_calendar().sessions))
