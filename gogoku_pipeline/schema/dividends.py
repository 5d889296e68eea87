"""Dividend notices. Source: J-Quants V2 /fins/dividend."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import DATE, ISSUE_CODE, TEXT, Form, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_OPEN = ("-", "")
_RATE = Form("number", marks=_OPEN, at_least=0)
_DAY = Form("date", marks=_OPEN)
_PER_SHARE = "JPY per share"

_ROWS = (
    kept("PubDate", "published_date", DATE, "Day of the notice."),
    kept("PubTime", "published_time", Form("time", marks=("",)), "Time of the notice, HH:MM:SS; null if missing."),
    ISSUE_CODE,
    kept("RefNo", "reference_number", TEXT, "Number of the notice; one per notice."),
    kept("StatCode", "status", TEXT, "1 new, 2 correction, 3 deletion.").among("1", "2", "3"),
    kept("BoardDate", "board_date", _DAY, "Day of the board meeting."),
    kept("IFCode", "interim_final", TEXT, "1 interim, 2 final.").among("1", "2"),
    kept("FRCode", "forecast_result", TEXT, "1 decided, 2 forecast.").among("1", "2"),
    kept("IFTerm", "term", TEXT, "Month of the record date, e.g. 2024-03."),
    kept("DivRate", "dividend_jpy", _RATE, "Dividend per share; null if undecided or not set.", _PER_SHARE),
    kept("RecDate", "record_date", _DAY, "Record date."),
    kept("ExDate", "ex_date", _DAY, "First session without the right."),
    kept("ActRecDate", "actual_record_date", _DAY, "Record date moved to a business day."),
    kept("PayDate", "payable_date", _DAY, "Day of payment; null if undecided or not set."),
    kept("CARefNo", "original_reference_number", TEXT, "Number of the original notice this one belongs to."),
    kept("DistAmt", "distribution_jpy", _RATE, "Money distributed per share.", _PER_SHARE),
    kept("RetEarn", "retained_earnings_jpy", _RATE, "Part from retained earnings, per share.", _PER_SHARE),
    kept("DeemDiv", "deemed_dividend_jpy", _RATE, "Part taxed as a dividend, per share.", _PER_SHARE),
    kept("DeemCapGains", "deemed_capital_gains_jpy", _RATE, "Part taxed as a sale, per share.", _PER_SHARE),
    kept("NetAssetDecRatio", "net_asset_decrease_ratio", _RATE, "Decrease of net assets, decimal.", "decimal"),
    kept(
        "CommSpecCode",
        "commemorative_special",
        Form("text", marks=("",)),
        "0 none, 1 commemorative, 2 special, 3 both.",
    ).expecting("0", "1", "2", "3"),
    kept("CommDivRate", "commemorative_dividend_jpy", _RATE, "Commemorative part per share.", _PER_SHARE),
    kept("SpecDivRate", "special_dividend_jpy", _RATE, "Special part per share.", _PER_SHARE),
)

SOURCE = Source(
    name="dividends",
    path="/fins/dividend",
    fields=fields_of(_ROWS),
    key=("RefNo",),
    starts="2013-02-20",
    words="Every dividend notice: new, corrected or deleted.",
    lowest_plan="premium",
    event="PubDate",
    empty="may",
    versions="appended",
)

TABLE = Table(
    name="core_jquants__dividends",
    description=(
        "One dividend notice. This is a log: the current state is the newest known notice per original number, and "
        "nothing if that one is a deletion. Amounts are per share as announced, not split-adjusted."
    ),
    columns=(SESSION, CODE, *columns_of(_ROWS), AVAILABLE_AT),
    key=("reference_number",),
    rule=RULES[SOURCE.name],
    warnings=("event_log", "not_split_adjusted", "dividend_parts_start_later"),
)
