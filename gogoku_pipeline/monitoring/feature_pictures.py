"""What pictures of features show, read from the tables: coverage by group and month, degrees, one neighbourhood.

Belongs here: choosing and counting rows. Does not belong here: drawing (`evaluation.plots_features`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.evaluation.report_inputs import ReportInputs
from gogoku_pipeline.features.family_tables import families
from gogoku_pipeline.features.feature import FAMILIES
from gogoku_pipeline.graph.catalogue import FAMILY, family_table, registry
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.monitoring.feature_samples import rows_of
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.universe import UNIVERSE

MONTHS = 13
TIES = 3
"""Neighbours a stock needs for its neighbourhood to be worth drawing."""


def coverage_by_group(store: Store, plan: str, newest: date) -> pl.DataFrame:
    """[group, month, coverage]: share of cells with a value, on the last session of each of the newest months.

    Counted over the universe of the session; groups in the order of the catalogue. Months without features are left
    out, and so is everything before there is a universe.
    """
    days = _month_ends([day for day in store.tables.sessions(UNIVERSE) if day <= newest])
    members = rows_of(store, UNIVERSE, days, ["is_in_universe"]).filter("is_in_universe").drop("is_in_universe")
    parts = []
    for family, features in families(registry(plan)).items():
        names = [feature.name for feature in features]
        rows = rows_of(store, family_table(family, plan), days, names).join(members, on=["session", "code"])
        shares = rows.group_by("session").agg(pl.col(names).count() / pl.len())
        long = shares.unpivot(index="session", variable_name="feature", value_name="coverage")
        groups = pl.DataFrame({"feature": names, "group": [feature.group for feature in features]})
        parts.append(long.join(groups, on="feature"))
    order = pl.Enum(list(FAMILIES))
    return (
        pl.concat(parts)
        .group_by(pl.col("group").cast(order), pl.col("session").dt.truncate("1mo").alias("month"))
        .agg(pl.col("coverage").mean())
        .sort("group", "month")
        .with_columns(pl.col("group").cast(pl.String))
    )


def with_feature_pictures(inputs: ReportInputs, store: Store, plan: str) -> ReportInputs:
    """The same page with what its pictures of features need.

    They are left out where the feature tables were written by an older version of the house: an old page can still be
    rendered.
    """
    wanted = inputs.predictions.sort("rank")["code"].to_list()
    try:
        coverage = coverage_by_group(store, plan, inputs.session)
        degrees = degrees_of(store, plan, inputs.session)
        ties, middle = ties_around(store, inputs.session, wanted)
    except SchemaError:
        return inputs
    return replace(inputs, feature_coverage=coverage, degrees=degrees, ties=ties if middle else None, middle=middle)


def degrees_of(store: Store, plan: str, session: date) -> pl.DataFrame:
    """[degree]: neighbours of each stock of a session's graph."""
    rows = rows_of(store, family_table(FAMILY, plan), [session], ["g_degree_count"])
    return rows.select(pl.col("g_degree_count").cast(pl.Int64).alias("degree")).drop_nulls()


def ties_around(store: Store, session: date, wanted: Sequence[str] = ()) -> tuple[pl.DataFrame, str]:
    """Edges of a session, and the stock to put in the middle.

    Args:
        store: where the graph lies.
        session: which graph.
        wanted: stocks in the order of preference; the first with enough ties is taken, else the best tied of all.

    Returns:
        [code_i, code_j, weight] and a code; no rows and an empty code where the session has no edges.
    """
    edges = store.tables.scan(EDGES, start=session, end=session).select("code_i", "code_j", "weight").collect()
    return edges, middle_of(edges, wanted)


def middle_of(edges: pl.DataFrame, wanted: Sequence[str] = ()) -> str:
    """The first wanted stock with at least TIES neighbours, else the one with most; empty without edges."""
    ends = pl.concat([edges["code_i"].alias("code"), edges["code_j"].alias("code")])
    counts = ends.value_counts().sort(["count", "code"], descending=[True, False])
    enough = set(counts.filter(pl.col("count") >= TIES)["code"])
    return next((code for code in wanted if code in enough), counts["code"][0] if counts.height else "")


def _month_ends(sessions: Sequence[date]) -> list[date]:
    newest = {(day.year, day.month): day for day in sorted(sessions)}
    return list(newest.values())[-MONTHS:]
