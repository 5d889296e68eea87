"""Daily bars of the exchange's indices. Source: J-Quants V2 /indices/bars/daily."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import (
    AMOUNT,
    AMOUNT_OR_NULL,
    SESSION_DATE,
    TEXT,
    columns_of,
    fields_of,
    kept,
)
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Source, Table

_ROWS = (
    SESSION_DATE,
    kept("Code", "index_code", TEXT, "Index code, four characters, e.g. 0000 TOPIX; not a sector code."),
    kept("O", "open_points", AMOUNT_OR_NULL, "Index at the open; null where only closes exist.", "points"),
    kept("H", "high_points", AMOUNT_OR_NULL, "Highest value; null where only closes exist.", "points"),
    kept("L", "low_points", AMOUNT_OR_NULL, "Lowest value; null where only closes exist.", "points"),
    kept("C", "close_points", AMOUNT, "Index at the close.", "points"),
)

SOURCE = Source(
    name="indices",
    path="/indices/bars/daily",
    fields=fields_of(_ROWS),
    key=("Date", "Code"),
    starts="2008-05-07",
    words="Open, high, low and close of TOPIX, its size and sector families, Growth 250, REIT and style indices.",
    lowest_plan="standard",
)

TABLE = Table(
    name="core_jquants__indices",
    description=(
        "One index on one session. Some indices have closes only in their first months. On the session without "
        "trades (2020-10-01) the previous close stands in all four prices."
    ),
    columns=(SESSION, *columns_of(_ROWS), AVAILABLE_AT),
    key=("session", "index_code"),
    rule=RULES[SOURCE.name],
    warnings=("market_halt", "index_codes_are_no_sector_codes", "some_indices_need_premium", "overwritten_in_place"),
)
