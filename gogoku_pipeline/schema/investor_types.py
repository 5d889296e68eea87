"""Weekly trading by type of investor. Source: J-Quants V2 /equities/investor-types."""

from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.kept import AMOUNT, DATE, NUMBER, TEXT, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Source, Table

GROUPS = (
    ("Prop", "proprietary", "members on their own account"),
    ("Brk", "brokerage", "members for customers"),
    ("Tot", "total", "members altogether"),
    ("Ind", "individuals", "individuals"),
    ("Frgn", "foreigners", "foreigners"),
    ("SecCo", "securities_companies", "securities companies"),
    ("InvTr", "investment_trusts", "investment trusts"),
    ("BusCo", "business_companies", "business companies"),
    ("OthCo", "other_companies", "other companies"),
    ("InsCo", "insurance_companies", "insurance companies"),
    ("Bank", "banks", "city and regional banks"),
    ("TrstBnk", "trust_banks", "trust banks"),
    ("OthFin", "other_financial", "other financial institutions"),
)
"""The publisher's abbreviation, our name, and who they are."""

_MEASURES = (
    ("Sell", "sell", AMOUNT, "Sold by", "thousand JPY"),
    ("Buy", "buy", AMOUNT, "Bought by", "thousand JPY"),
    ("Tot", "total", AMOUNT, "Sold and bought by", "thousand JPY"),
    ("Bal", "balance", NUMBER, "Bought minus sold by", "thousand JPY, signed"),
)

SECTIONS = (
    "TSE1st",
    "TSE2nd",
    "TSEMothers",
    "TSEJASDAQ",
    "TSEPrime",
    "TSEStandard",
    "TSEGrowth",
    "TokyoNagoya",
)

_ROWS = (
    kept("PubDate", "published_date", DATE, "Day of publication."),
    kept("StDate", "week_start_date", DATE, "First day of the week."),
    kept("EnDate", "week_end_date", DATE, "Last day of the week."),
    kept("Section", "section", TEXT, "Market section; names changed on 2022-04-04.").expecting(*SECTIONS),
    *(
        kept(f"{short}{measure}", f"{name}_{part}_kjpy", form, f"{verb} {who}, thousand yen.", unit)
        for short, name, who in GROUPS
        for measure, part, form, verb, unit in _MEASURES
    ),
)

SOURCE = Source(
    name="investor_types",
    path="/equities/investor-types",
    fields=fields_of(_ROWS),
    key=("Section", "StDate", "EnDate", "PubDate"),
    starts="2008-01-16",
    words="Weekly sales and purchases by type of investor and market section.",
    lowest_plan="light",
    axis="range",
    event="PubDate",
    empty="may",
    versions="appended",
)

TABLE = Table(
    name="core_jquants__investor_types",
    description=(
        "Trading of one week in one market section by type of investor, as published on one day. Amounts are thousand "
        "yen. A correction is a further row of the same week with a newer publication date."
    ),
    columns=(SESSION, *columns_of(_ROWS), AVAILABLE_AT),
    key=("section", "week_start_date", "week_end_date", "published_date"),
    rule=RULES[SOURCE.name],
    warnings=("week_known_later", "flow_corrections", "buys_differ_from_sells"),
)
