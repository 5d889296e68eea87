"""Listed issues: the daily snapshot and the interval-valid master made of it. Source: J-Quants V2 /equities/master."""

import polars as pl

from gogoku_pipeline.schema.availability import MORNING_EDITION
from gogoku_pipeline.schema.columns import Column, SourceField
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_NAMES = ("CoName", "CoNameEn", "S17", "S17Nm", "S33", "S33Nm", "ScaleCat", "Mkt", "MktNm", "Mrgn", "MrgnNm")

SOURCE = Source(
    name="listed_issues",
    path="/equities/master",
    fields=(
        SourceField("Date", "date"),
        SourceField("Code", "text"),
        *(SourceField(name, "text") for name in _NAMES),
        SourceField("ProdCat", "text", optional=True),
    ),
    key=("Date", "Code"),
    starts="2008-05-07",
    words="Every issue listed on a day, with sector, size class, market and margin class.",
)

_ATTRIBUTES = (
    Column("name", pl.String, "Company name in Japanese.", "", "CoName"),
    Column("name_english", pl.String, "Company name in English.", "", "CoNameEn"),
    Column("sector17_code", pl.String, "TOPIX-17 sector, 1..17 or 99; not zero padded.", "", "S17"),
    Column("sector33_code", pl.String, "TSE 33 sector, zero padded to four, 9999 for none.", "", "S33"),
    Column("scale_category", pl.String, "TOPIX size class; '-' for none.", "", "ScaleCat"),
    Column("market_code", pl.String, "Market section, e.g. 0111 Prime.", "", "Mkt"),
    Column("margin_class", pl.String, "1 margin, 2 loan-eligible, 3 other.", "", "Mrgn", allowed=("1", "2", "3")),
    Column(
        "product_category",
        pl.String,
        "011 domestic share, 014 ETF ...; null before 2026-05-26.",
        "",
        "ProdCat",
        nullable=True,
    ),
)

SNAPSHOT = Table(
    name="core_jquants__listed_issues",
    description=(
        "One issue listed on one session, as the final 08:00 edition of that day says. The source has no listing or "
        "delisting dates: an issue that is gone simply stops appearing."
    ),
    columns=(SESSION, CODE, *_ATTRIBUTES, AVAILABLE_AT),
    key=("session", "code"),
    rule=MORNING_EDITION,
    warnings=("snapshot_only", "overwritten_in_place"),
)

MASTER = Table(
    name="core_jquants__security_master",
    description=(
        "One issue over one interval in which none of its attributes changed. `valid_to_date` is null while the "
        "interval is open. `stock_id` is append-only: it never changes and is never reused. A code change or a "
        "holding-company transfer appears as one code ending and another beginning; the source does not link them."
    ),
    columns=(
        CODE,
        Column("valid_from_date", pl.Date, "First session of the interval."),
        Column(
            "valid_to_date",
            pl.Date,
            "Last session of the interval; null while open. Known only afterwards.",
            nullable=True,
        ),
        Column("stock_id", pl.Int32, "Append-only number of the issue, in order of first appearance.", at_least=0),
        *_ATTRIBUTES,
        AVAILABLE_AT,
    ),
    key=("code", "valid_from_date"),
    partitioned=False,
    warnings=("snapshot_only",),
)
