"""The section of the page of tables that says when every source is known, and in whose partition its rows lie."""

from gogoku_pipeline.schema.availability import RULES, PublicationRule
from gogoku_pipeline.schema.register import SOURCES

_HEAD = """
## Publication rules

All hours are Tokyo time. A row may be used from `available_at` on, strictly before the cut-off of a decision. A
partition is a trading session; *asks for* says which event days it holds.

- The cash close moved from 15:00 to 15:30 on 2024-11-05. The publisher's hours did not move with it: bars were and
  are delivered at 16:30, after either close. So no rule changes on that day; what does change is the session in which
  the market could react to a disclosure, which is a matter of the features.
- Margin balances were weekly to the application date 2026-09-24 and are daily from 2026-09-25 on.
- A disclosure or notice without a time counts as late: its row is never known too early, at worst a session too late.
- A day's answer *begins* when it can say anything at all and is *complete* when nothing more is due. Where the two
  differ, what is fetched in between is provisional. A dividend notice of the late evening may still join a complete
  answer; it is then known from the fetch that brings it.
- Where pages of the publisher disagree, the later hour counts.
"""

_ASKS = {
    "sessions": "the session itself",
    "every_day": "every day since the session before",
    "weekdays": "the session, and the weekday holidays before it (normally empty)",
    "day_before": "every day from the session before to yesterday",
    "margin": "the application date published on it, if any",
    "none": "-",
}
_EMPTY = {"never": "never", "on_halt": "on 2020-10-01", "may": "may be"}


def render_rules() -> str:
    """The section as Markdown: one line per source."""
    lines = [
        _HEAD,
        "| source | plan | available | a partition asks for | answer begins | answer complete | empty session |",
        "|---|---|---|---|---|---|---|",
        *(_line(name, rule) for name, rule in RULES.items()),
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, rule: PublicationRule) -> str:
    source = SOURCES[name]
    begins, complete = _hours(rule)
    cells = (
        f"`{name}`",
        source.lowest_plan,
        rule.words,
        _ASKS[rule.events],
        begins,
        complete,
        _EMPTY[source.empty],
    )
    return f"| {' | '.join(cells)} |"


def _hours(rule: PublicationRule) -> tuple[str, str]:
    """Hours of the first and the complete answer, as people say them."""
    if rule.delivery in ("year_before", "at_fetch"):
        return "-", "-"
    hour = rule.at.hour + 24 * rule.days_later
    complete = f"{hour:02}:{rule.at:%M}"
    if rule.events in ("day_before", "margin"):
        complete = f"{complete} of the partition"
    return (f"{rule.first:%H:%M}" if rule.first else complete), complete
