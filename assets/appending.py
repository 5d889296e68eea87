"""A family's rows from what the session before left behind, or from the whole history where nothing fits.

Belongs here: finding, judging and saving carried states for asset bodies. Does not belong here: computing
(`gogoku_pipeline.features`), keeping bytes (`gogoku_pipeline.store`).

A state fits when it was left by the same features after the session right before, and no session up to it was
rewritten since in any table it was made from. Both ways give the same rows to the bit.
"""

import json
from collections.abc import Sequence
from datetime import date, time

import polars as pl

from assets.inputs import feature_inputs, inputs_after
from assets.reading import sessions_before
from gogoku_pipeline.core.errors import CarriedStateError
from gogoku_pipeline.core.fingerprints import sha256_frame
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.features.append import append_sessions
from gogoku_pipeline.features.carried import Carried, code_of
from gogoku_pipeline.features.family_frames import carried_family_frame, names_of
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.carried_states import CarriedStates

LOG = logger("appending")


def family_rows(
    store: Store, family: str, registry: Registry, sessions: Sequence[date], tables: Sequence[Table], cutoff: time
) -> pl.DataFrame:
    """Rows of a family's table for a range; leaves behind what the session after it needs.

    Args:
        store: where tables and carried states lie.
        family: e.g. `feat__prices`.
        registry: where it is declared.
        sessions: the range, ascending.
        tables: what the family reads.
        cutoff: JST hour of decision.

    Raises:
        PartitionMissingError: as `feature_inputs`.
    """
    history = _history(store, tables, cutoff)  # before anything is read: a later write must not go unseen
    states, version = CarriedStates(store.objects), code_of(registry)
    carried = _fitting(store, states.of(family, version, sessions_before(sessions[0], 1)), tables, cutoff)
    frame, left = _computed(store, family, registry, sessions, carried, cutoff)
    states.save(family, version, left.through, left.of_history(history).to_bytes())
    return frame


def _computed(
    store: Store, family: str, registry: Registry, sessions: Sequence[date], carried: Carried | None, cutoff: time
) -> tuple[pl.DataFrame, Carried]:
    """From the carried state, or from the history where there is none or the engine refuses it."""
    names = names_of(family_table(family, registry))
    if carried is not None:
        inputs = inputs_after(append_sessions(names, registry), store, sessions, names, cutoff)
        try:
            return carried_family_frame(family, inputs, sessions, carried, registry)
        except CarriedStateError as refusal:
            LOG.info("%s of %s from its whole history: %s", family, sessions[0], refusal)
    inputs = feature_inputs(store, sessions, names, cutoff)
    return carried_family_frame(family, inputs, sessions, None, registry)


def _history(store: Store, tables: Sequence[Table], cutoff: time) -> str:
    """What tables are made of now: versions of those written by session, contents of the others."""
    found = {table.name: _standing(store, table) for table in tables}
    return json.dumps({"cutoff": cutoff.isoformat(), "tables": found}, sort_keys=True)


def _standing(store: Store, table: Table) -> int | str | None:
    if table.partitioned:
        return store.tables.version(table)
    return sha256_frame(store.tables.scan(table).collect())


def _fitting(store: Store, payloads: Sequence[bytes], tables: Sequence[Table], cutoff: time) -> Carried | None:
    """The first state whose tables are still what they were."""
    for payload in payloads:
        carried = Carried.from_bytes(payload)
        said = json.loads(carried.history)
        if said["cutoff"] == cutoff.isoformat() and all(
            _is_unchanged(store, table, said["tables"].get(table.name), carried.through) for table in tables
        ):
            return carried
    return None


def _is_unchanged(store: Store, table: Table, standing: int | str | None, through: date) -> bool:
    """Whether no session up to `through` was rewritten since."""
    if isinstance(standing, int):
        rewritten = store.tables.rewritten_since(table, standing)
        return rewritten is not None and all(session > through for session in rewritten)
    return standing is not None and standing == _standing(store, table)
