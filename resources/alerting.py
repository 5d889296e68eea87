"""Between the alert sensor and the notifier: a finding becomes an alert, a tick becomes a heartbeat.

Belongs here: the words of an alert, the file the sensor leaves behind.
Does not belong here: which events alert (`jobs.alerts`), delivery (`gogoku_pipeline.monitoring.notify`).
"""

import json
from datetime import datetime
from pathlib import Path

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.errors import GogokuError
from gogoku_pipeline.monitoring.notify import Alert, Notifier

HEARTBEAT = "heartbeat.json"


class AlertNotDelivered(GogokuError):  # noqa: N818
    """No configured channel took an alert; the sensor's cursor waits before it."""


def deliver(notifier: Notifier, rule: str, subject: str, lines: list[str]) -> None:
    """Hand one finding to a person.

    Args:
        notifier: the channels.
        rule: what fired.
        subject: what it is about.
        lines: what happened, one clause each.

    Raises:
        AlertNotDelivered: a channel is configured and did not take it.
    """
    done = notifier.send_now(Alert(rule, subject, "; ".join(lines)))
    if not done.ok:
        raise AlertNotDelivered(
            f"alert {rule}", got=done.words, want="a delivery", remedy="Check the webhook and the mail server."
        )


def leave_heartbeat(folder: Path, clock: Clock) -> None:
    """Say from inside Dagster that alerts are being watched; a sensor that stopped is itself silent."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HEARTBEAT).write_text(json.dumps({"alive_at": clock.now().isoformat()}))


def last_heartbeat(folder: Path) -> datetime | None:
    """When alerts were last watched; None where they never were."""
    file = folder / HEARTBEAT
    return datetime.fromisoformat(json.loads(file.read_text())["alive_at"]) if file.is_file() else None
