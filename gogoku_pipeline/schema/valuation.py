"""Valuation ratios of every listed issue as the publisher computes them. Source: J-Quants V2 /equities/valuation."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import (
    AMOUNT_OR_NULL,
    ISSUE_CODE,
    NUMBER_OR_NULL,
    SESSION_DATE,
    columns_of,
    fields_of,
    kept,
)
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_ROWS = (
    SESSION_DATE,
    ISSUE_CODE,
    kept("EPS", "eps_jpy", NUMBER_OR_NULL, "Earnings per share, last year reported.", "JPY per share"),
    kept("FwdEPS", "forecast_eps_jpy", NUMBER_OR_NULL, "Earnings per share, company forecast.", "JPY per share"),
    kept("BPS", "book_value_per_share_jpy", NUMBER_OR_NULL, "Book value per share.", "JPY per share"),
    kept("ROE", "roe", NUMBER_OR_NULL, "Return on equity, decimal.", "decimal"),
    kept("FwdROE", "forecast_roe", NUMBER_OR_NULL, "Return on equity by the company forecast, decimal.", "decimal"),
    kept("PER", "price_to_earnings", NUMBER_OR_NULL, "Price over earnings per share.", "times"),
    kept("FwdPER", "price_to_forecast_earnings", NUMBER_OR_NULL, "Price over forecast earnings per share.", "times"),
    kept("PBR", "price_to_book", NUMBER_OR_NULL, "Price over book value per share.", "times"),
    kept("MktCap", "market_cap_mjpy", AMOUNT_OR_NULL, "Market value, million yen.", "million JPY"),
)

SOURCE = Source(
    name="valuation",
    path="/equities/valuation",
    fields=fields_of(_ROWS),
    key=("Date", "Code"),
    starts="2008-05-07",
    words="Earnings, book value and price multiples of every listed issue on every business day.",
)

TABLE = Table(
    name="core_jquants__valuation",
    description=(
        "Valuation ratios of one issue on one session, as the publisher computes them. A disclosure is reflected on "
        "the next business day. Funds and similar issues appear with all values null."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("session", "code"),
    rule=RULES[SOURCE.name],
    warnings=("plan_not_confirmed", "served_ratios", "overwritten_in_place"),
)
