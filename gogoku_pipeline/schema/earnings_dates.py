"""Announced dates of earnings releases, with history. Source: J-Quants V2 /fins/earnings-date."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import DATE, DATE_OR_BLANK, ISSUE_CODE, TEXT, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_ROWS = (
    kept("PubDate", "published_date", DATE, "Day on which the date was announced."),
    kept("SchDate", "scheduled_date", DATE_OR_BLANK, "Day of the release; null while undetermined."),
    kept("FQName", "quarter", TEXT, "Quarter that will be reported.").expecting("1Q", "2Q", "3Q", "FY"),
    kept("FYE", "fiscal_year_end_text", TEXT, "End of the fiscal year as month and day, e.g. 0331."),
    ISSUE_CODE,
    kept("CoName", "name", TEXT, "Company name in Japanese."),
    kept("CoNameEn", "name_english", TEXT, "Company name in English."),
)

SOURCE = Source(
    name="earnings_dates",
    path="/fins/earnings-date",
    fields=fields_of(_ROWS),
    key=("Code", "FYE", "FQName", "PubDate"),
    starts="2014-09-01",
    words="Every announcement of when a company will release its results; from about September 2014.",
    event="PubDate",
    empty="may",
    versions="appended",
)

TABLE = Table(
    name="core_jquants__earnings_dates",
    description=(
        "One announcement of when a company will release the results of a quarter. A changed date is a further row "
        "with a newer publication date; the newest known row counts. A row lies in the partition of the first "
        "session after its publication date, one session later than perhaps necessary."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("code", "fiscal_year_end_text", "quarter", "published_date"),
    rule=RULES[SOURCE.name],
    warnings=("next_session_partition", "key_inferred"),
)
