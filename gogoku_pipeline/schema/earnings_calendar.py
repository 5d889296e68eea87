"""Earnings announcements of the next business day. Source: J-Quants V2 /equities/earnings-calendar."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import DATE_OR_BLANK, ISSUE_CODE, TEXT, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_ROWS = (
    kept("Date", "announcement_date", DATE_OR_BLANK, "Day of the announcement; null while undetermined."),
    ISSUE_CODE,
    kept("CoName", "name", TEXT, "Company name in Japanese."),
    kept("FY", "fiscal_year_end_text", TEXT, "End of the fiscal year in Japanese, e.g. 9月30日."),
    kept("SectorNm", "sector_name", TEXT, "Sector name in Japanese."),
    kept("FQ", "fiscal_quarter_text", TEXT, "Quarter in Japanese, with a full-width digit.").expecting(
        "第１四半期", "第２四半期", "第３四半期", "通期"
    ),
    kept("Section", "section", TEXT, "Market section in Japanese."),
)

SOURCE = Source(
    name="earnings_calendar",
    path="/equities/earnings-calendar",
    fields=fields_of(_ROWS),
    key=("Date", "Code"),
    starts="2008-05-07",
    words="Companies that announce on the next business day; March and September year ends only.",
    axis="now",
    empty="may",
)

TABLE = Table(
    name="core_jquants__earnings_calendar",
    description=(
        "One company that announces on the next business day, as captured on one session. Only March and September "
        "year ends, no REITs. The service keeps no history: a day that was not captured is gone. `session` is the "
        "newest session at the capture."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("session", "code"),
    rule=RULES[SOURCE.name],
    partitioned=False,
    warnings=("no_history", "some_year_ends_only"),
)
