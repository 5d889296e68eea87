"""Reports of large short positions. Source: J-Quants V2 /markets/short-sale-report."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import (
    AMOUNT,
    AMOUNT_OR_NULL,
    DATE,
    DATE_OR_BLANK,
    ISSUE_CODE,
    TEXT,
    columns_of,
    fields_of,
    kept,
)
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_ROWS = (
    kept("DiscDate", "disclosed_date", DATE, "Day of disclosure."),
    kept("CalcDate", "calculated_date", DATE, "Day the position is of."),
    ISSUE_CODE,
    kept("SSName", "seller_name", TEXT, "Short seller; may be empty, 個人 for a private person."),
    kept("SSAddr", "seller_address", TEXT, "Address of the seller; may be empty."),
    kept("DICName", "contractor_name", TEXT, "Discretionary investment contractor; often empty."),
    kept("DICAddr", "contractor_address", TEXT, "Address of the contractor; often empty."),
    kept("FundName", "fund_name", TEXT, "Investment fund; often empty."),
    kept("ShrtPosToSO", "short_to_outstanding", AMOUNT, "Position over shares outstanding, decimal.", "decimal"),
    kept("ShrtPosShares", "short_shares", AMOUNT, "Position in shares.", "shares"),
    kept("ShrtPosUnits", "short_units", AMOUNT, "Position in trading units.", "trading units"),
    kept("PrevRptDate", "previous_report_date", DATE_OR_BLANK, "Day of the report before; null for none."),
    kept(
        "PrevRptRatio",
        "previous_short_to_outstanding",
        AMOUNT_OR_NULL,
        "The ratio then reported.",
        "decimal",
    ),
    kept("Notes", "notes", TEXT, "Remarks; often empty."),
)

SOURCE = Source(
    name="short_positions",
    path="/markets/short-sale-report",
    fields=fields_of(_ROWS),
    key=("DiscDate", "CalcDate", "Code", "SSName", "DICName", "FundName", "ShrtPosShares"),
    starts="2013-11-07",
    words="Reports of short positions of 0.5 % of the shares outstanding and more.",
    lowest_plan="standard",
    event="DiscDate",
    empty="may",
)

TABLE = Table(
    name="core_jquants__short_positions",
    description=(
        "One report of a short position. A row below 0.005 reports a fall below the threshold. The publisher gives no "
        "row number: two rows that differ only in the amount are two positions. Includes funds."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=(
        "disclosed_date",
        "calculated_date",
        "code",
        "seller_name",
        "contractor_name",
        "fund_name",
        "short_shares",
    ),
    rule=RULES[SOURCE.name],
    warnings=("no_row_number", "short_ratios_normalised", "not_split_adjusted", "overwritten_in_place"),
)
