"""What futures and options have in common: the fields of a contract's day.

Source: J-Quants V2 /derivatives/bars/daily/{futures, options, options/225}.
"""

from gogoku_pipeline.schema.kept import AMOUNT, DATE, TEXT, Form, Kept, kept

LATER = Form("number", nullable=True, marks=("",), optional=True)
"""A number that exists from 2016-07-19 on."""

_LATER_DAY = Form("date", nullable=True, marks=("",), optional=True)
_NOT_ALWAYS = Form("number", marks=("",), at_least=0)
_QUOTED = "quoted price"
_HALVES = {
    "": ("", "the whole day", AMOUNT),
    "M": ("morning_", "the morning; null where the day session is not split", _NOT_ALWAYS),
    "E": ("night_", "the night session; null on the first trading day", _NOT_ALWAYS),
    "A": ("day_", "the day session", AMOUNT),
}

TRADE_DATE = kept("Date", "trade_date", DATE, "Trading day of the contract.")
CONTRACT = kept("Code", "contract_code", TEXT, "Contract code, nine characters.")
PRODUCT = kept("ProdCat", "product_category", TEXT, "Kind of contract, e.g. NK225F.")
MONTH = kept("CM", "contract_month", TEXT, "Contract month YYYY-MM; YYYY-WW for weekly contracts.")
AUCTION_VOLUME = kept("VoOA", "auction_volume_contracts", LATER, "Contracts traded in auctions.", "contracts")
EMERGENCY = kept(
    "EmMrgnTrgDiv", "emergency_margin_division", TEXT, "001 emergency margin triggered intraday, 002 normal."
).expecting("001", "002")
LAST_DAY = kept("LTD", "last_trading_date", _LATER_DAY, "Last trading day.")
QUOTATION_DAY = kept("SQD", "special_quotation_date", _LATER_DAY, "Day of the special quotation.")
SETTLEMENT = kept("Settle", "settlement_price", LATER, "Settlement price.", _QUOTED)
CENTRAL = kept(
    "CCMFlag",
    "is_central_month",
    Form("flag", nullable=True, marks=("",), optional=True),
    "The contract month with most trading.",
)

VOLUMES = (
    kept("Vo", "volume_contracts", AMOUNT, "Contracts traded.", "contracts"),
    kept("OI", "open_interest_contracts", AMOUNT, "Contracts open.", "contracts"),
    kept("Va", "turnover_jpy", AMOUNT, "Yen traded.", "JPY"),
)

STRIKE = kept("Strike", "strike_price", AMOUNT, "Strike price.", _QUOTED)
PUT_OR_CALL = kept("PCDiv", "put_call", TEXT, "1 put, 2 call.").among("1", "2")
MODEL = (
    kept("Theo", "theoretical_price", LATER, "Theoretical price.", _QUOTED),
    kept("BaseVol", "base_volatility_percent", LATER, "Mean implied volatility at the money.", "percent"),
    kept("UnderPx", "underlying_price", LATER, "Price of the underlying.", _QUOTED),
    kept("IV", "implied_volatility_percent", LATER, "Implied volatility, annual.", "percent"),
    kept("IR", "interest_rate_percent", LATER, "Interest rate of the theoretical price.", "percent"),
)

WARNINGS_OF_ALL = ("zero_means_no_trade", "emergency_margin_rows", "holiday_trading", "derivative_fields_start_later")


def prices(halves: str) -> tuple[Kept, ...]:
    """Open, high, low and close of the whole day and of the sessions named by their letters (M, E, A)."""
    words = {"open": "First", "high": "Highest", "low": "Lowest", "close": "Last"}
    return tuple(
        kept(
            f"{half}{name[0].upper()}",
            f"{_HALVES[half][0]}{name}_price",
            _HALVES[half][2],
            f"{words[name]} price of {_HALVES[half][1]}; 0 without trades.",
            _QUOTED,
        )
        for half in ("", *halves)
        for name in words
    )
