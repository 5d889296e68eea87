"""Margin balances: weekly to 2026-09, daily since. Source: J-Quants V2 /markets/margin-interest."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import AMOUNT, DATE, ISSUE_CODE, TEXT, Form, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_NEW_VALUE = Form("number", nullable=True, optional=True, at_least=0)

_BALANCES = (
    ("Shrt", "short", "Sold on margin"),
    ("Long", "long", "Bought on margin"),
    ("ShrtNeg", "short_negotiable", "Sold on negotiable margin"),
    ("LongNeg", "long_negotiable", "Bought on negotiable margin"),
    ("ShrtStd", "short_standardized", "Sold on standardised margin"),
    ("LongStd", "long_standardized", "Bought on standardised margin"),
)

_ROWS = (
    kept(
        "PubDate",
        "published_date",
        Form("date", nullable=True, optional=True),
        "Day of publication; null for application dates to 2026-09-24.",
    ),
    kept("Date", "application_date", DATE, "Day the balances are of."),
    ISSUE_CODE,
    kept("IssType", "issue_type", TEXT, "1 margin, 2 loan-eligible, 3 other.").among("1", "2", "3"),
    *(kept(f"{key}Vol", f"{name}_shares", AMOUNT, f"{words}, shares.", "shares") for key, name, words in _BALANCES),
    *(
        kept(f"{key}Val", f"{name}_jpy", _NEW_VALUE, f"{words}, yen; null for dates to 2026-09-24.", "JPY")
        for key, name, words in _BALANCES
    ),
)

SOURCE = Source(
    name="margin_interest",
    path="/markets/margin-interest",
    fields=fields_of(_ROWS),
    key=("Date", "Code"),
    starts="2012-02-10",
    words="Shares bought and sold on margin and still open, by issue.",
    lowest_plan="standard",
)

TABLE = Table(
    name="core_jquants__margin_interest",
    description=(
        "Open margin positions of one issue on one application date. To 2026-09-24 the date is the last session of a "
        "week (none in weeks with one or two sessions); since then every session. A row lies in the partition of the "
        "session it is published on."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("application_date", "code"),
    rule=RULES[SOURCE.name],
    warnings=("margin_two_regimes", "next_session_partition", "not_split_adjusted", "margin_value_unit"),
)
