"""Short selling by sector. Source: J-Quants V2 /markets/short-ratio."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import AMOUNT, SESSION_DATE, TEXT, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Source, Table

_ROWS = (
    SESSION_DATE,
    kept("S33", "sector33_code", TEXT, "TSE 33 sector, zero padded to four, 9999 for none."),
    kept("SellExShortVa", "long_sell_jpy", AMOUNT, "Yen sold from holdings.", "JPY"),
    kept("ShrtWithResVa", "short_sell_restricted_jpy", AMOUNT, "Yen sold short under the price restriction.", "JPY"),
    kept("ShrtNoResVa", "short_sell_unrestricted_jpy", AMOUNT, "Yen sold short without price restriction.", "JPY"),
)

SOURCE = Source(
    name="short_ratio",
    path="/markets/short-ratio",
    fields=fields_of(_ROWS),
    key=("Date", "S33"),
    starts="2008-11-05",
    words="Yen sold long and short by sector on every business day.",
    lowest_plan="standard",
    empty="on_halt",
)

TABLE = Table(
    name="core_jquants__short_ratio",
    description="Selling of one sector on one session, split into long and short. 2020-10-01 has no rows.",
    columns=(SESSION, *columns_of(_ROWS), AVAILABLE_AT),
    key=("session", "sector33_code"),
    rule=RULES[SOURCE.name],
    warnings=("no_rows_on_the_halt", "overwritten_in_place"),
)
