"""Daily trading split by margin and short selling. Source: J-Quants V2 /markets/breakdown."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import AMOUNT, ISSUE_CODE, SESSION_DATE, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_SIDES = (
    ("LongSell", "long_sell", "Sold from holdings"),
    ("ShrtNoMrgn", "short_sell", "Sold short other than on new margin"),
    ("MrgnSellNew", "margin_sell_new", "Sold on new margin"),
    ("MrgnSellClose", "margin_sell_close", "Sold to close a margin purchase"),
    ("LongBuy", "long_buy", "Bought for cash"),
    ("MrgnBuyNew", "margin_buy_new", "Bought on new margin"),
    ("MrgnBuyClose", "margin_buy_close", "Bought to close a margin sale"),
)

_ROWS = (
    SESSION_DATE,
    ISSUE_CODE,
    *(kept(f"{key}Va", f"{name}_jpy", AMOUNT, f"{words}, yen.", "JPY") for key, name, words in _SIDES),
    *(kept(f"{key}Vo", f"{name}_shares", AMOUNT, f"{words}, shares.", "shares") for key, name, words in _SIDES),
)

SOURCE = Source(
    name="breakdown",
    path="/markets/breakdown",
    fields=fields_of(_ROWS),
    key=("Date", "Code"),
    starts="2015-04-01",
    words="Auction trading of every issue split by long, short and margin, in yen and shares.",
    lowest_plan="premium",
    empty="on_halt",
)

TABLE = Table(
    name="core_jquants__breakdown",
    description=(
        "Auction trading of one issue on one session, split into four kinds of sale and three kinds of purchase. The "
        "sales add up to the purchases in the documented example. 2020-10-01 has no rows."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("session", "code"),
    rule=RULES[SOURCE.name],
    warnings=("auction_trades_only", "not_split_adjusted", "no_rows_on_the_halt", "overwritten_in_place"),
)
