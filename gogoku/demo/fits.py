"""The gate's walk fitted ahead: while versions are trained and the inputs are audited, another core walks forward.

Belongs here: the process that does so. Does not belong here: what is fitted and how fits are kept and found again
(`gogoku_pipeline.training.walk_forward`).
"""

from datetime import date

from assets.evaluation import judged
from gogoku.demo.ahead import end_with_parent
from gogoku.deployment import DemoNote, demo_deployment
from gogoku.sizes import demo_sizes
from gogoku_pipeline.audit.report import AuditReport


def fit_walks(note: DemoNote) -> None:
    """Judge as the gate will, and keep nothing but the fits: the verdict is the gate's own, once inputs are audited.

    Args:
        note: the demo.
    """
    judged(demo_deployment(note).open_store(), demo_sizes(note), date.fromisoformat(note.end), AuditReport(()))


if __name__ == "__main__":
    end_with_parent()
    fit_walks(DemoNote.load())
