"""Sources believed too early: for each, a publication rule that hands its rows out before the publisher does."""

from __future__ import annotations

from tests.laws.mutants.mutant import Mutant

FILE = "schema/availability.py"
KILLERS = ("tests/spec/schema/test_worked_dates.py", "tests/spec/schema/test_partition_laws.py")


def too_early(group: str, source: str, rule: str, **changed: str) -> Mutant:
    """The rule of a source with changed settings."""
    settings = ", ".join(f'"{name}": {value}' for name, value in changed.items())
    return Mutant(
        group,
        f"{source} is known before it is published",
        FILE,
        f'"{source}": {rule},',
        f'"{source}": PublicationRule(**{{**{rule}.__dict__, {settings}}}),',
        KILLERS,
    )


MUTANTS = (
    too_early("flows", "investor_types", "FLOWS", days_later="-1"),
    too_early("earnings", "earnings_dates", "DATE_NOTICE", delivery='"at_hour"'),
    too_early("fundamentals", "statements", "DISCLOSURE", delivery='"at_hour"', days_later="0"),
    too_early("dividends", "dividends", "DIVIDEND_NOTICE", delivery='"at_hour"', at="time(12, 0)"),
    too_early("market", "indices", "AFTER_CLOSE", days_later="-1"),
    too_early("market", "topix", "AFTER_CLOSE", days_later="-1"),
    too_early("returns", "daily_bars", "AFTER_CLOSE", days_later="-1"),
    too_early("short", "short_ratio", "AFTER_CLOSE", days_later="-1"),
    too_early("short", "short_positions", "SHORT_REPORT", days_later="-1"),
    too_early("margin", "margin_interest", "MARGIN", delivery='"at_hour"'),
    too_early("margin", "margin_alerts", "ALERT", days_later="-1"),
    too_early("breakdown", "breakdown", "EVENING", days_later="-1"),
    too_early("futures", "futures", "NIGHT", days_later="0"),
    too_early("options", "index_options", "NIGHT", days_later="0"),
    too_early("size", "listed_issues", "MORNING_EDITION", days_later="-1"),
)
