"""The one axis of the house in Dagster: sessions of the Tokyo Stock Exchange as partitions.

Belongs here: building the partitions definition from the exchange calendar, turning the keys of a run into dates.
Does not belong here: which asset is partitioned, when something runs.

A daily definition with exclusions, not a weekday cron (a cron stretches Friday's window to Monday and lacks the
newest key until then). `end_offset=1` makes today's key exist in the evening; on an excluded day it overshoots to the
next session, so everything that acts by itself asks the exchange's calendar and never takes the newest key.
"""

from datetime import date, datetime, time, timedelta

import dagster as dg

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.sessions import tse_calendar

WEEKENDS = ["0 0 * * 6", "0 0 * * 0"]
PARTITIONS_PER_RUN = 250


def session_partitions(start: date, end: date | None = None) -> dg.DailyPartitionsDefinition:
    """One partition per session from `start` on, shared by every session-partitioned asset.

    Args:
        start: first calendar day; the first key is the first session on or after it.
        end: last calendar day, included; None lets the axis grow with the calendar.

    Returns:
        A definition whose keys are ISO dates in Tokyo time, 2020-10-01 among them.

    Raises:
        ConfigError: when the range holds no session.
    """
    calendar = tse_calendar()
    first = calendar.on_or_after(start)
    if end is not None and end < first:
        raise ConfigError(
            "session partitions",
            got=f"{start} .. {end}, which holds no session",
            want="a start on or before the last session",
            remedy="Move GOGOKU_START_DATE back.",
        )
    # Dagster writes the whole definition into every planned check: only the holidays inside the axis belong to it.
    last = end or calendar.last
    closed = [datetime.combine(day, time()) for day in calendar.weekday_holidays() if first < day <= last]
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(),
        end_date=None if end is None else (end + timedelta(days=1)).isoformat(),
        timezone=JST.key,
        exclusions=[*WEEKENDS, *closed],
        end_offset=0 if end is not None else 1,
    )


def sessions_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[date]:
    """The sessions of a run, one or a range, ascending."""
    return sorted(date.fromisoformat(key) for key in context.partition_keys)


def show(context: dg.AssetExecutionContext, name: str, picture: dg.MetadataValue) -> None:
    """A picture on the newest session of a run: in a range it would be stored once per session."""
    newest = (
        sessions_of(context)[-1].isoformat() if context.has_partition_key or context.has_partition_key_range else None
    )
    context.add_asset_metadata({name: picture}, partition_key=newest)


def backfill_policy(partitions_per_run: int = PARTITIONS_PER_RUN) -> dg.BackfillPolicy:
    """Bounded runs over ranges: a crash loses one run's worth."""
    return dg.BackfillPolicy.multi_run(max_partitions_per_run=partitions_per_run)
