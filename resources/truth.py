"""The simulated market's planted truth, kept beside its data as a yardstick for the report and for nothing else.

Belongs here: the table of the oracle's scores, keeping and reading it.
Does not belong here: anything a model or a feature could read; no asset but the report asks for it.
"""

import polars as pl

from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import CODE, SESSION, Table
from gogoku_pipeline.store import CommitInfo, Store

TRUTH = Table(
    name="truth__oracle",
    description="What the simulator expects of each issue after a session, all planted effects known. Never an input.",
    columns=(
        SESSION,
        CODE,
        Column("horizon_d", pl.Int16, "Sessions from entry to exit.", "sessions", at_least=1),
        Column("score", pl.Float64, "Expected open-to-open return.", "ratio", nullable=True),
    ),
    key=("session", "code", "horizon_d"),
)


def keep_truth(store: Store, scores: pl.DataFrame) -> None:
    """Write the oracle's scores once.

    Args:
        store: the simulated market's store.
        scores: [session, code, horizon_d, score].
    """
    if not store.tables.exists(TRUTH):
        rows = scores.select(TRUTH.polars_schema.names()).cast(TRUTH.polars_schema).sort(TRUTH.key)
        store.tables.write_whole(TRUTH, rows, commit=CommitInfo(run_id="simulator", code_version="1"))


def truth(store: Store) -> pl.DataFrame | None:
    """The oracle's scores, None on a real market."""
    return store.tables.scan(TRUTH).collect() if store.tables.exists(TRUTH) else None
