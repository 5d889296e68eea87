"""Morning session of today. Source: J-Quants V2 /equities/bars/daily/am."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import AMOUNT_OR_NULL, ISSUE_CODE, SESSION_DATE, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_ROWS = (
    SESSION_DATE,
    ISSUE_CODE,
    *(
        kept(f"M{name[0].upper()}", f"morning_{name}_jpy", AMOUNT_OR_NULL, f"{words} of the morning.", "JPY")
        for name, words in (
            ("open", "First price"),
            ("high", "Highest price"),
            ("low", "Lowest price"),
            ("close", "Last price"),
        )
    ),
    kept("MVo", "morning_volume_shares", AMOUNT_OR_NULL, "Shares traded in the morning.", "shares"),
    kept("MVa", "morning_turnover_jpy", AMOUNT_OR_NULL, "Yen traded in the morning.", "JPY"),
)

SOURCE = Source(
    name="morning_bars",
    path="/equities/bars/daily/am",
    fields=fields_of(_ROWS),
    key=("Date", "Code"),
    starts="2008-05-07",
    words="Open, high, low, close, volume and turnover of this morning; served from about 12:00 to 06:00.",
    lowest_plan="premium",
    axis="now",
)

TABLE = Table(
    name="core_jquants__morning_bars",
    description=(
        "One listed issue in the morning session of one day, as captured that day. The service keeps no history: "
        "a morning that was not captured is only in the session columns of the daily bars, after the close."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("session", "code"),
    rule=RULES[SOURCE.name],
    partitioned=False,
    warnings=("no_history", "no_trade_rows"),
)
