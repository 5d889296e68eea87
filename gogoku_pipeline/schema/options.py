"""Daily bars of options. Source: J-Quants V2 /derivatives/bars/daily/options."""

from gogoku_pipeline.schema import derivative_fields as shared
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import Form, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Source, Table

CATEGORIES = ("TOPIXE", "NK225E", "NK225MWE", "JGBLFE", "EQOP")

_ROWS = (
    shared.CONTRACT,
    shared.PRODUCT.expecting(*CATEGORIES),
    kept("UndSSO", "underlying_code", Form("text", marks=("-",)), "Underlying issue of a securities option."),
    shared.TRADE_DATE,
    *shared.prices("MEA"),
    *shared.VOLUMES,
    shared.MONTH,
    shared.STRIKE,
    shared.AUCTION_VOLUME,
    shared.EMERGENCY,
    shared.PUT_OR_CALL,
    shared.LAST_DAY,
    shared.QUOTATION_DAY,
    shared.SETTLEMENT,
    *shared.MODEL,
    shared.CENTRAL,
)

SOURCE = Source(
    name="options",
    path="/derivatives/bars/daily/options",
    fields=fields_of(_ROWS),
    key=("Date", "Code", "EmMrgnTrgDiv"),
    starts="2008-05-07",
    words="Prices, volume, open interest, settlement and implied volatility of every option.",
    lowest_plan="premium",
)

TABLE = Table(
    name="core_jquants__options",
    description=(
        "One option on one trading day. Prices are quoted prices of the product; 0 means that nothing traded. On a "
        "day with an emergency margin an option has two rows. Volatilities and rates are percent."
    ),
    columns=(SESSION, *columns_of(_ROWS), AVAILABLE_AT),
    key=("trade_date", "contract_code", "emergency_margin_division"),
    rule=RULES[SOURCE.name],
    warnings=shared.WARNINGS_OF_ALL,
)
