"""The register: every source the house fetches and every table declared beside one."""

from gogoku_pipeline.schema import calendar, daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Source, Table, by_name

SOURCES: dict[str, Source] = {
    source.name: source for source in (calendar.SOURCE, listed_issues.SOURCE, daily_bars.SOURCE, topix.SOURCE)
}
"""Sources by name."""

TABLES: dict[str, Table] = by_name(
    (calendar.TABLE, listed_issues.SNAPSHOT, listed_issues.MASTER, daily_bars.TABLE, topix.TABLE)
)
"""Tables typed from these sources, by name; rooms above declare their own."""
