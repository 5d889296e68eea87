"""What an asset of the house says about itself, in one place, so that no asset forgets its owner or its policy.

Belongs here: the declaration and how it becomes a Dagster asset.
Does not belong here: bodies (the modules by stage), checks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.partitions import PARTITIONS_PER_RUN, backfill_policy
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.schema.warnings import WARNINGS
from resources.metadata import column_schema
from resources.previews import accepted_previews

OWNERS = ("team:gogoku",)


@dataclass(frozen=True)
class HouseAsset:
    """One asset: its body and everything Dagster's pages show about it.

    Attributes:
        body: calls one domain function; its docstring's first line is the description when there is no table.
        name: asset key and, where there is one, table name.
        group: raw, core, features, graph, models or operations.
        kinds: badges in the lineage.
        code_version: raised by hand when the body's or its domain function's meaning changes.
        table: what the rows look like; None for assets without rows of their own.
        deps: assets it reads by itself, for the lineage.
        ins: assets it receives as arguments.
        pool: runs sharing a pool wait for each other; the asset's own name by default: one writer per table.
        partitioned: whether it lives on the axis of sessions.
        is_range: whether one run takes a range of sessions; models take one cut-off at a time.
        check_specs: checks the body itself answers.
        column_lineage: which upstream columns each column is made of, where that is declared.
    """

    body: Callable[..., Any]
    name: str
    group: str
    kinds: frozenset[str]
    code_version: str = "1"
    table: Table | None = None
    deps: tuple[str, ...] = ()
    ins: Mapping[str, dg.AssetIn] = field(default_factory=dict)
    pool: str | None = None
    partitioned: bool = True
    is_range: bool = True
    check_specs: tuple[dg.AssetCheckSpec, ...] = ()
    column_lineage: dg.TableColumnLineage | None = None

    def build(
        self, partitions: dg.PartitionsDefinition, partitions_per_run: int = PARTITIONS_PER_RUN
    ) -> dg.AssetsDefinition:
        """The Dagster asset on an axis of sessions, with the bound of one backfill run over a range."""
        bound = partitions_per_run if self.is_range else 1
        with accepted_previews():
            return dg.asset(
                name=self.name,
                group_name=self.group,
                description=self.description,
                owners=list(OWNERS),
                kinds=set(self.kinds),
                code_version=self.code_version,
                deps=list(self.deps),
                ins=dict(self.ins),
                pool=self.pool or self.name,
                partitions_def=partitions if self.partitioned else None,
                backfill_policy=backfill_policy(bound) if self.partitioned else None,
                metadata=self.metadata,
                check_specs=list(self.check_specs) or None,
            )(self.body)

    @property
    def metadata(self) -> dict[str, object]:
        """What is true of every materialisation: columns and where they come from."""
        columns = {} if self.table is None else {"dagster/column_schema": column_schema(self.table)}
        return columns | ({"dagster/column_lineage": self.column_lineage} if self.column_lineage else {})

    @property
    def description(self) -> str:
        """What a person reads first: the table's story and its warnings, or the body's first sentence."""
        if self.table is None:
            return (self.body.__doc__ or "").strip().splitlines()[0]
        warnings = "".join(f"\n- {WARNINGS[code]}" for code in self.table.warnings)
        return self.table.description + warnings
