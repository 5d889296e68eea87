"""When the past changes: sessions whose landings moved after they were typed are typed again.

Belongs here: the sensor that compares landings with the ledger and requests one run per session.
Does not belong here: finding corrections (the morning's second look, the weekly look at monthly files), typing.

Tables without partitions catch up by themselves whenever they run; this is for the tables that live on sessions.
Features of those sessions stay as they were computed: they say what was known then.
"""

from collections.abc import Iterator

import dagster as dg

from assets.tables import BY_SESSION
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.ledger import landing_hashes, newest_entries, untyped
from resources.lazy import Lazy

EVERY_SECONDS = 6 * 3600
MOST_RUNS = 40
WATCHED = tuple(name for name in BY_SESSION if SOURCES[name].axis == "day")


def retyping_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """The sensor; a correction of one session is one run, asked for once.

    Args:
        status: whether it runs without being switched on.
    """

    @dg.sensor(
        name="retyping",
        asset_selection=dg.AssetSelection.assets(*(TABLE_OF[source].name for source in WATCHED)),
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=status,
        description="Types sessions again whose landings changed: corrections in place, found by a second look.",
    )
    def watch(store: dg.ResourceParam[Lazy]):  # noqa: ANN202
        requests = [request for source in WATCHED for request in changed(store.get(), source)]
        if not requests:
            return dg.SkipReason("every typed session holds what was landed for it")
        return dg.SensorResult(run_requests=requests[:MOST_RUNS])

    return watch


def changed(store: Store, source: str) -> Iterator[dg.RunRequest]:
    """A run for each session that was typed before and is not what was landed since."""
    typed = set(newest_entries(store, source)["session"])
    sessions = [session for session in untyped(store, source) if session in typed]
    hashes = landing_hashes(store, source, sessions) if sessions else {}
    for session in sessions:
        yield dg.RunRequest(
            run_key=f"{source} {session} {hashes[session][:16]}",
            partition_key=session.isoformat(),
            asset_selection=[dg.AssetKey(TABLE_OF[source].name)],
        )
