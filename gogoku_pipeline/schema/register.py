"""The register: every source the house fetches and every table declared beside one."""

from gogoku_pipeline.schema import (
    breakdown,
    calendar,
    daily_bars,
    dividends,
    earnings_calendar,
    earnings_dates,
    futures,
    index_options,
    indices,
    investor_types,
    listed_issues,
    margin_alerts,
    margin_interest,
    morning_bars,
    options,
    short_positions,
    short_ratio,
    statement_details,
    statements,
    topix,
    valuation,
)
from gogoku_pipeline.schema.tables import Source, Table, by_name

_TYPED: tuple[tuple[Source, Table], ...] = (
    (calendar.SOURCE, calendar.TABLE),
    (listed_issues.SOURCE, listed_issues.SNAPSHOT),
    (daily_bars.SOURCE, daily_bars.TABLE),
    (morning_bars.SOURCE, morning_bars.TABLE),
    (valuation.SOURCE, valuation.TABLE),
    (investor_types.SOURCE, investor_types.TABLE),
    (earnings_calendar.SOURCE, earnings_calendar.TABLE),
    (earnings_dates.SOURCE, earnings_dates.TABLE),
    (statements.SOURCE, statements.TABLE),
    (statement_details.SOURCE, statement_details.TABLE),
    (dividends.SOURCE, dividends.TABLE),
    (indices.SOURCE, indices.TABLE),
    (topix.SOURCE, topix.TABLE),
    (short_ratio.SOURCE, short_ratio.TABLE),
    (short_positions.SOURCE, short_positions.TABLE),
    (margin_interest.SOURCE, margin_interest.TABLE),
    (margin_alerts.SOURCE, margin_alerts.TABLE),
    (breakdown.SOURCE, breakdown.TABLE),
    (futures.SOURCE, futures.TABLE),
    (options.SOURCE, options.TABLE),
    (index_options.SOURCE, index_options.TABLE),
)

SOURCES: dict[str, Source] = {source.name: source for source, _ in _TYPED}
"""Sources by name."""

TABLE_OF: dict[str, Table] = {source.name: table for source, table in _TYPED}
"""The table typed from each source, by the source's name."""

TABLES: dict[str, Table] = by_name((*TABLE_OF.values(), listed_issues.MASTER))
"""Tables typed from these sources, by name; rooms above declare their own."""
