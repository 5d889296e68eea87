"""The core tables by name: those typed from a source and those this room computes from them."""

from __future__ import annotations

from gogoku_pipeline.schema import register
from gogoku_pipeline.schema.tables import Table, by_name
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.ledger import LEDGER
from gogoku_pipeline.tables.rejects import REJECTS
from gogoku_pipeline.tables.successors import POSSIBLE_SUCCESSORS
from gogoku_pipeline.tables.universe import UNIVERSE

TABLES: dict[str, Table] = by_name(
    (*register.TABLES.values(), POSSIBLE_SUCCESSORS, UNIVERSE, REJECTS, CORRECTIONS, LEDGER)
)
"""Every table below the features, in the order of the page docs/tables.md."""
