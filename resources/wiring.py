"""The resources of a deployment by name, as assets ask for them.

Belongs here: which resource is which object, from settings unless an object is handed in.
Does not belong here: what the objects do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gogoku_pipeline.core.clocks import Clock, RealClock
from gogoku_pipeline.core.settings import Settings, object_store_options
from gogoku_pipeline.monitoring.notify import Notifier
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store, open_store
from resources.compute import Compute
from resources.io_manager import DeltaIOManager
from resources.jquants import JQuants
from resources.lazy import Lazy
from resources.trainer import trainer_of


@dataclass(frozen=True)
class Parts:
    """What may be handed in instead of being made from settings; None means made.

    Attributes:
        store: an open store.
        client: lends connected J-Quants clients.
        clock: publication and rate clock.
        notifier: delivers alerts.
    """

    store: Store | None = None
    client: JQuants | None = None
    clock: Clock | None = None
    notifier: Notifier | None = None


def house_resources(settings: Settings, compute: Compute, tables: Mapping[str, Table], parts: Parts) -> dict[str, Any]:
    """Every resource under the name assets use. Nothing is opened here: importing definitions stays cheap.

    Args:
        settings: read once at the front door; secrets stay inside it and never become run configuration.
        compute: sizes and dials.
        tables: table by asset name, for the IO manager.
        parts: objects that replace those made from settings.
    """
    clock = parts.clock or RealClock()
    store = (
        Lazy.of(parts.store) if parts.store else Lazy(lambda: open_store(settings.store_url, object_store_options()))
    )
    return {
        "settings": settings,
        "compute": compute,
        "clock": clock,
        "store": store,
        "jquants": parts.client or JQuants.from_settings(settings, clock),
        "notifier": parts.notifier or notifier_from(settings, clock),
        "io_manager": DeltaIOManager(store, tables),
        "trainer": trainer_of(compute),
    }


def notifier_from(settings: Settings, clock: Clock) -> Notifier:
    """The notifier that settings describe; without a channel it only logs."""
    return Notifier(
        settings.alert_webhook_url,
        settings.smtp_url,
        settings.alert_email,
        secrets=[settings.jquants_api_key] if settings.jquants_api_key else [],
        clock=clock,
    )
