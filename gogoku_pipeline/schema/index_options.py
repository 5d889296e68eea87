"""Daily bars of Nikkei 225 options. Source: J-Quants V2 /derivatives/bars/daily/options/225."""

from gogoku_pipeline.schema import derivative_fields as shared
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import columns_of, fields_of
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Source, Table

_ROWS = (
    shared.TRADE_DATE,
    shared.CONTRACT,
    *shared.prices("EA"),
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
)

SOURCE = Source(
    name="index_options",
    path="/derivatives/bars/daily/options/225",
    fields=fields_of(_ROWS),
    key=("Date", "Code", "EmMrgnTrgDiv"),
    starts="2008-05-07",
    words="Prices, open interest and implied volatility of Nikkei 225 options (no weekly and flexible ones).",
    untyped=("ProdCat", "UndSSO", "MO", "MH", "ML", "MC", "CCMFlag"),
    lowest_plan="standard",
)

TABLE = Table(
    name="core_jquants__index_options",
    description=(
        "One Nikkei 225 option on one trading day. 0 means that nothing traded. On a day with an emergency margin an "
        "option has two rows. Volatilities and rates are percent."
    ),
    columns=(SESSION, *columns_of(_ROWS), AVAILABLE_AT),
    key=("trade_date", "contract_code", "emergency_margin_division"),
    rule=RULES[SOURCE.name],
    warnings=shared.WARNINGS_OF_ALL,
)
