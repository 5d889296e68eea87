"""Daily bars of futures. Source: J-Quants V2 /derivatives/bars/daily/futures."""

from gogoku_pipeline.schema import derivative_fields as shared
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import columns_of, fields_of
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Source, Table

CATEGORIES = (
    "TOPIXF",
    "TOPIXMF",
    "MOTF",
    "NKVIF",
    "NKYDF",
    "NK225F",
    "NK225MF",
    "NK225MCF",
    "JN400F",
    "REITF",
    "DJIAF",
    "JGBLF",
    "TOA3MF",
)
"""Kinds of futures documented before FX futures came in April 2026, whose names are not in the documents at hand."""

_ROWS = (
    shared.CONTRACT,
    shared.PRODUCT.expecting(*CATEGORIES),
    shared.TRADE_DATE,
    *shared.prices("MEA"),
    *shared.VOLUMES,
    shared.MONTH,
    shared.AUCTION_VOLUME,
    shared.EMERGENCY,
    shared.LAST_DAY,
    shared.QUOTATION_DAY,
    shared.SETTLEMENT,
    shared.CENTRAL,
)

SOURCE = Source(
    name="futures",
    path="/derivatives/bars/daily/futures",
    fields=fields_of(_ROWS),
    key=("Date", "Code", "EmMrgnTrgDiv"),
    starts="2008-05-07",
    words="Prices, volume, open interest and settlement of every futures contract.",
    lowest_plan="premium",
)

TABLE = Table(
    name="core_jquants__futures",
    description=(
        "One futures contract on one trading day. Prices are quoted prices of the product; 0 means that nothing "
        "traded. On a day with an emergency margin a contract has two rows."
    ),
    columns=(SESSION, *columns_of(_ROWS), AVAILABLE_AT),
    key=("trade_date", "contract_code", "emergency_margin_division"),
    rule=RULES[SOURCE.name],
    warnings=shared.WARNINGS_OF_ALL,
)
