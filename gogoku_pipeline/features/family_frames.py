"""A family as rows of its table: the engine's columns plus the instant from which each row may be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import families
from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.columns import JST_INSTANT


def family_frame(family: str, inputs: FeatureInputs, sessions: Sequence[date]) -> pl.DataFrame:
    """The rows of a feature family for some sessions.

    Args:
        family: name of the family, e.g. `feat__prices`.
        inputs: staged prices, universe (with `available_at`) and index, with the warm-up the family needs.
        sessions: consecutive sessions to answer for.

    Returns:
        Columns of `family_table(family)`, sorted by (session, code).

    Raises:
        FeatureError: an unknown family.
    """
    names = [feature.name for feature in families()[family]]
    wanted = sorted(sessions)
    return stamped(compute(names, inputs, start=wanted[0], end=wanted[-1]), inputs.universe)


def stamped(features: pl.DataFrame, universe: pl.DataFrame) -> pl.DataFrame:
    """Feature rows with `available_at`: after the close of the session, or when its listing was known if later.

    Args:
        features: session, code and any columns.
        universe: `core__universe` rows of the same sessions; stocks without one have the instant after the close.
    """
    known = universe.select("session", "code", pl.col("available_at").alias("_listing_at"))
    return (
        features.join(known, on=["session", "code"], how="left", maintain_order="left")
        .with_columns(
            pl.max_horizontal(AFTER_CLOSE.instant(pl.col("session")), "_listing_at")
            .cast(JST_INSTANT)
            .alias("available_at")
        )
        .drop("_listing_at")
    )
