"""The door for Dagster: everything the house does, as one `Definitions`.

Belongs here: choosing settings, axis and parts, and handing them to the rooms.
Does not belong here: assets, jobs, resources themselves.

`defs` is what `workspace.yaml` and `[tool.dg]` name. Loading it opens nothing: no store, no network, no torch.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg

from assets.house import build_house
from assets.partitions import session_partitions
from gogoku.deployment import deployment, own_deployment
from gogoku.sizes import first_session, sizes_of
from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.monitoring.notify import Notifier
from gogoku_pipeline.store import Store
from jobs.alerts import Finding, alert_sensor
from jobs.asset_jobs import asset_jobs
from jobs.maintenance import maintenance_job
from jobs.retyping import retyping_sensor
from jobs.schedules import build_schedules
from resources.alerting import deliver, leave_heartbeat
from resources.compute import Compute
from resources.jquants import JQuants
from resources.previews import accepted_previews
from resources.wiring import Parts, house_resources


def build_definitions(
    *,
    settings: Settings | None = None,
    start: date | None = None,
    end: date | None = None,
    store: Store | None = None,
    client: JQuants | None = None,
    clock: Clock | None = None,
    compute: Compute | None = None,
    **overrides: Any,
) -> dg.Definitions:
    """The definitions of one deployment; every part may be handed in.

    Args:
        settings: None takes the environment's (or the demo's, where `gogoku demo` ran and nothing is set).
        start: first calendar day of the axis; None takes the settings', else what the plan covers.
        end: last calendar day of a closed history; None lets the axis grow.
        store: an open store instead of the one the settings name.
        client: lends J-Quants clients instead of the one the settings describe.
        clock: publication and rate clock; None is the wall clock.
        compute: sizes and dials; its first session and last day follow start and end.
        **overrides: further resources by name, e.g. notifier.

    Returns:
        Definitions that load without touching disk or network.
    """
    place = deployment() if settings is None else own_deployment(settings)
    chosen = place.settings
    clock = clock or place.clock
    end = end or place.end
    place = replace(place, clock=clock)
    first = tse_calendar().on_or_after(start) if start else first_session(place)
    dials = replace(compute or sizes_of(place), first_session=first, last_day=end)
    parts = Parts(store=store, client=client, clock=clock, notifier=overrides.pop("notifier", None))
    partitions = session_partitions(first, end)
    house = build_house(partitions, dials)
    resources = house_resources(chosen, dials, house.tables, parts) | overrides
    maintenance = maintenance_job(house.tables.values())
    jobs = asset_jobs(dials.challengers)
    is_live = chosen.jquants_api_key is not None and end is None
    ticking = dg.DefaultScheduleStatus.RUNNING if is_live else dg.DefaultScheduleStatus.STOPPED
    watching = dg.DefaultSensorStatus.RUNNING if is_live else dg.DefaultSensorStatus.STOPPED
    with accepted_previews():
        return dg.Definitions(
            assets=house.assets,
            asset_checks=house.checks,
            jobs=[*jobs.all, maintenance],
            schedules=build_schedules(jobs, maintenance, partitions, ticking),
            sensors=[alerts(resources["notifier"], dials, clock), retyping_sensor(watching)],
            resources=resources,
            executor=dg.in_process_executor,
        )


def alerts(notifier: Notifier, sizes: Compute, clock: Clock) -> dg.SensorDefinition:
    """The alert sensor, running by default: without a channel its alerts go to the log."""

    def tell(finding: Finding) -> None:
        deliver(notifier, finding.rule, finding.subject, finding.lines)

    return alert_sensor(tell, lambda: leave_heartbeat(sizes.cache_dir, clock), dg.DefaultSensorStatus.RUNNING)


defs = build_definitions()
