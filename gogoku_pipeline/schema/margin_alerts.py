"""Margin balances of issues under daily publication. Source: J-Quants V2 /markets/margin-alert."""

import polars as pl

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.kept import AMOUNT, DATE, ISSUE_CODE, TEXT, Form, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_CHANGE = Form("number", marks=("-",))
_RATIO = Form("number", marks=("*",), at_least=0)
_CHANGES = "shares, signed"

REASONS = (
    ("Restricted", "is_restricted", "Margin trading is restricted by the exchange."),
    ("DailyPublication", "is_daily_publication", "Under daily publication."),
    ("Monitoring", "is_monitored", "Under monitoring."),
    ("RestrictedByJSF", "is_restricted_by_jsf", "Lending is restricted by Japan Securities Finance."),
    ("PrecautionByJSF", "is_precaution_by_jsf", "Japan Securities Finance calls for caution."),
    ("UnclearOrSecOnAlert", "is_unclear_or_on_alert", "Unclear information, or security on alert."),
)
"""Key inside PubReason, our column, and what it says; each value is the text "0" or "1"."""

_ROWS = (
    kept("PubDate", "published_date", DATE, "Day of publication."),
    ISSUE_CODE,
    kept("AppDate", "application_date", DATE, "Day the balances are of."),
    kept("PubReason", "publish_reason_json", Form("object"), "Why the issue is published, as JSON text."),
    kept("ShrtOut", "short_shares", AMOUNT, "Sold on margin.", "shares"),
    kept("ShrtOutChg", "short_change_shares", _CHANGE, "Change from the day before; null if none.", _CHANGES),
    kept("ShrtOutRatio", "short_to_listed_percent", _RATIO, "Sold over listed shares; null for funds.", "percent"),
    kept("LongOut", "long_shares", AMOUNT, "Bought on margin.", "shares"),
    kept("LongOutChg", "long_change_shares", _CHANGE, "Change from the day before; null if none.", _CHANGES),
    kept("LongOutRatio", "long_to_listed_percent", _RATIO, "Bought over listed shares; null for funds.", "percent"),
    kept("SLRatio", "short_to_long_percent", _RATIO, "Sold over bought.", "percent"),
    *(
        row
        for key, name, words in (
            ("ShrtNeg", "short_negotiable", "Sold on negotiable margin."),
            ("ShrtStd", "short_standardized", "Sold on standardised margin."),
            ("LongNeg", "long_negotiable", "Bought on negotiable margin."),
            ("LongStd", "long_standardized", "Bought on standardised margin."),
        )
        for row in (
            kept(f"{key}Out", f"{name}_shares", AMOUNT, words, "shares"),
            kept(f"{key}OutChg", f"{name}_change_shares", _CHANGE, "Change from the day before.", _CHANGES),
        )
    ),
    kept(
        "TSEMrgnRegCls",
        "regulation_class",
        TEXT,
        "001 to 006 stages of alert and restriction, 101 lifted, 102 under supervision.",
    ).expecting("001", "002", "003", "004", "005", "006", "101", "102"),
)

SOURCE = Source(
    name="margin_alerts",
    path="/markets/margin-alert",
    fields=fields_of(_ROWS),
    key=("PubDate", "Code", "AppDate"),
    starts="2008-05-08",
    words="Daily margin balances of the issues whose margin trading is watched or restricted.",
    lowest_plan="standard",
    event="PubDate",
    empty="may",
    versions="appended",
)

TABLE = Table(
    name="core_jquants__margin_alerts",
    description=(
        "Open margin positions of one watched issue on one application date, as published on one day. A correction is "
        "a further row of the same application date with a newer publication date."
    ),
    columns=(
        SESSION,
        CODE,
        *columns_of(_ROWS),
        *(Column(name, pl.Boolean, words, nullable=True, inside=f"PubReason.{key}") for key, name, words in REASONS),
        AVAILABLE_AT,
    ),
    key=("published_date", "code", "application_date"),
    rule=RULES[SOURCE.name],
    warnings=("corrections_appended", "not_split_adjusted", "watched_issues_only"),
)
