"""A small table of prices and a table without sessions, with rows to fill them."""

import polars as pl

from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table

PRICES = Table(
    name="test__prices",
    description="A table of the tests.",
    columns=(
        SESSION,
        CODE,
        Column("close_jpy", pl.Float64, "Close.", "JPY", nullable=True),
        Column("score", pl.Float32, "Any number.", nullable=True),
        Column("is_limit_up", pl.Boolean, "A claim."),
        AVAILABLE_AT,
    ),
    key=("session", "code"),
)
NOTES = Table(
    name="test__notes",
    description="A table without sessions.",
    columns=(Column("name", pl.String, "Name."), Column("value", pl.Int64, "Value.", nullable=True)),
    key=("name",),
    partitioned=False,
)


def price_rows(days, codes=("72030", "67580", "130A0"), factor=1.0):
    """Rows in no particular order."""
    frame = pl.DataFrame({"session": list(days)}).join(pl.DataFrame({"code": list(codes)}), how="cross")
    number = (pl.col("session").dt.ordinal_day() + pl.col("code").str.slice(0, 2).cast(pl.Int64)) * factor
    return (
        frame.with_columns(
            close_jpy=number.cast(pl.Float64),
            score=(number / 7).cast(pl.Float32),
            is_limit_up=pl.col("code") == "72030",
            available_at=pl.col("session").dt.combine(pl.time(16, 30)).dt.replace_time_zone("Asia/Tokyo"),
        )
        .with_columns(pl.col("available_at").cast(pl.Datetime("us", "Asia/Tokyo")))
        .select(PRICES.polars_schema.names())
        .sample(fraction=1, shuffle=True, seed=1)
    )
