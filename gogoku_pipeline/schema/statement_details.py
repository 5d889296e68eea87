"""Line items of financial statements. Source: J-Quants V2 /fins/details."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import DATE, ISSUE_CODE, TEXT, Form, columns_of, fields_of, kept
from gogoku_pipeline.schema.statements import DOCUMENT_TYPES
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_ROWS = (
    kept("DiscDate", "disclosed_date", DATE, "Day of disclosure."),
    kept("DiscTime", "disclosed_time", Form("time", marks=("",)), "Time of disclosure, HH:MM:SS; null if missing."),
    ISSUE_CODE,
    kept("DiscNo", "disclosure_number", TEXT, "Number of the document, 14 digits; one per document."),
    kept("DocType", "document_type", TEXT, "Kind of document.").expecting(*DOCUMENT_TYPES),
    kept("FS", "statement_json", Form("object"), "Line items by English taxonomy label, as JSON text."),
)

SOURCE = Source(
    name="statement_details",
    path="/fins/details",
    fields=fields_of(_ROWS),
    key=("DiscNo",),
    starts="2009-01-13",
    words="Balance sheet, income and cash flow items of every quarterly document.",
    lowest_plan="premium",
    event="DiscDate",
    empty="may",
    versions="appended",
)

TABLE = Table(
    name="core_jquants__statement_details",
    description=(
        "One financial document with all its line items. An item the company does not report is an absent key of the "
        "JSON object, so the keys differ from row to row; labels contain spaces and commas. A correction is a further "
        "document with a number of its own, and nothing in the row says that it is one."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("disclosure_number",),
    rule=RULES[SOURCE.name],
    warnings=("year_to_date", "corrections_unmarked", "us_dollar_issuer", "cash_flow_items_from_2025_10"),
)
