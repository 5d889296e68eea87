"""Summaries of financial statements. Source: J-Quants V2 /fins/summary."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import columns_of, fields_of
from gogoku_pipeline.schema.statement_fields import DOCUMENT_TYPES, ROWS
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

__all__ = ["DOCUMENT_TYPES", "SOURCE", "TABLE"]

SOURCE = Source(
    name="statements",
    path="/fins/summary",
    fields=fields_of(ROWS),
    key=("DiscNo",),
    starts="2008-07-07",
    words="Results, forecasts and dividends of every quarterly document and every forecast revision.",
    event="DiscDate",
    empty="may",
    versions="appended",
)

TABLE = Table(
    name="core_jquants__statements",
    description=(
        "One document: a quarterly statement, or a revision of a forecast, which fills identity and forecast columns "
        "only. Figures run from the start of the fiscal year, not of the quarter. Amounts are full yen, ratios "
        "decimals. Per-share figures are as filed, not split-adjusted. A company may file several documents a day."
    ),
    columns=(SESSION, CODE, *columns_of(ROWS), AVAILABLE_AT),
    key=("disclosure_number",),
    rule=RULES[SOURCE.name],
    warnings=(
        "year_to_date",
        "odd_periods",
        "guidance_moves_to_next_year",
        "ordinary_profit_blank",
        "corrections_unmarked",
        "us_dollar_issuer",
        "not_split_adjusted",
        "free_plan_delay",
    ),
)
