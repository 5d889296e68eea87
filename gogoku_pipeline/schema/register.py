"""The register: every source the house fetches and every table declared beside one."""

from gogoku_pipeline.schema import calendar, daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Source, Table, by_name

_TYPED: tuple[tuple[Source, Table], ...] = (
    (calendar.SOURCE, calendar.TABLE),
    (listed_issues.SOURCE, listed_issues.SNAPSHOT),
    (daily_bars.SOURCE, daily_bars.TABLE),
    (topix.SOURCE, topix.TABLE),
)

SOURCES: dict[str, Source] = {source.name: source for source, _ in _TYPED}
"""Sources by name."""

TABLE_OF: dict[str, Table] = {source.name: table for source, table in _TYPED}
"""The table typed from each source, by the source's name."""

TABLES: dict[str, Table] = by_name((*TABLE_OF.values(), listed_issues.MASTER))
"""Tables typed from these sources, by name; rooms above declare their own."""
