"""Daily bars of every listed issue. Source: J-Quants V2 /equities/bars/daily."""

import polars as pl

from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.columns import Column, SourceField
from gogoku_pipeline.schema.kept import Form, columns_of, fields_of, kept
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Source, Table

_PRICE = Form("number", nullable=True, optional=True, plan="premium", at_least=0)
_FLAG = Form("flag", nullable=True, optional=True, plan="premium")

_PRICES = tuple(SourceField(name, "number", nullable=True) for name in ("O", "H", "L", "C"))
_ADJUSTED = tuple(SourceField(name, "number", nullable=True) for name in ("AdjO", "AdjH", "AdjL", "AdjC", "AdjVo"))
_OF_A_HALF = (
    ("O", "open_jpy", "First price", "JPY"),
    ("H", "high_jpy", "Highest price", "JPY"),
    ("L", "low_jpy", "Lowest price", "JPY"),
    ("C", "close_jpy", "Last price", "JPY"),
    ("UL", "is_limit_up", "The upper daily limit was touched", ""),
    ("LL", "is_limit_down", "The lower daily limit was touched", ""),
    ("Vo", "volume_shares", "Shares traded", "shares"),
    ("Va", "turnover_jpy", "Yen traded", "JPY"),
)
_HALVES = tuple(
    kept(key + name, f"{half}_{ours}", _PRICE if unit else _FLAG, f"{words} in the {half}; Premium.", unit)
    for key, half in (("M", "morning"), ("A", "afternoon"))
    for name, ours, words, unit in _OF_A_HALF
)

SOURCE = Source(
    name="daily_bars",
    path="/equities/bars/daily",
    fields=(
        SourceField("Date", "date"),
        SourceField("Code", "text"),
        *_PRICES,
        SourceField("UL", "flag"),
        SourceField("LL", "flag"),
        SourceField("Vo", "number", nullable=True),
        SourceField("Va", "number", nullable=True),
        SourceField("AdjFactor", "factor"),
        *_ADJUSTED,
        *fields_of(_HALVES),
        SourceField("MktCap", "number", nullable=True, optional=True),
        SourceField("ExRT", "text", nullable=True, optional=True),
    ),
    key=("Date", "Code"),
    starts="2008-05-07",
    words="Open, high, low, close, volume and turnover of every listed issue on every business day.",
    untyped=tuple(half + field.name for half in ("M", "A") for field in _ADJUSTED),
)

TABLE = Table(
    name="core_jquants__daily_bars",
    description=(
        "One listed issue on one session: raw prices as traded and the adjustment factor of that day. "
        "Issues that did not trade have a row of nulls. Prices are never adjusted here; adjustment is computed from "
        "the factors as of the session that asks. The served adjusted close is kept for a check only: it is rounded "
        "to one decimal and depends on the day it was fetched."
    ),
    columns=(
        SESSION,
        CODE,
        Column("open_jpy", pl.Float64, "First price of the session.", "JPY", "O", nullable=True, at_least=0),
        Column("high_jpy", pl.Float64, "Highest price of the session.", "JPY", "H", nullable=True, at_least=0),
        Column("low_jpy", pl.Float64, "Lowest price of the session.", "JPY", "L", nullable=True, at_least=0),
        Column("close_jpy", pl.Float64, "Last price of the session.", "JPY", "C", nullable=True, at_least=0),
        Column("is_limit_up", pl.Boolean, "The upper daily limit was touched.", "", "UL"),
        Column("is_limit_down", pl.Boolean, "The lower daily limit was touched.", "", "LL"),
        Column("volume_shares", pl.Float64, "Shares traded.", "shares", "Vo", nullable=True, at_least=0),
        Column("turnover_jpy", pl.Float64, "Yen traded.", "JPY", "Va", nullable=True, at_least=0),
        Column(
            "adjustment_factor",
            pl.Float64,
            "Factor of the ex-date (0.5 for a 1:2 split), 1 on all other days.",
            "ratio",
            "AdjFactor",
            at_least=0,
        ),
        Column(
            "served_adjusted_close_jpy",
            pl.Float64,
            "The publisher's adjusted close as of the fetch, one decimal; for the check only.",
            "JPY",
            "AdjC",
            nullable=True,
            at_least=0,
        ),
        Column("market_cap_mjpy", pl.Float64, "Market value, million yen.", "million JPY", "MktCap", nullable=True),
        Column(
            "ex_rights_type",
            pl.String,
            "1 split, 2 reverse split, 3 rights issue; null on ordinary days.",
            "",
            "ExRT",
            nullable=True,
            allowed=("1", "2", "3"),
        ),
        *columns_of(_HALVES),
        AVAILABLE_AT,
    ),
    key=("session", "code"),
    rule=AFTER_CLOSE,
    warnings=(
        "adjusted_values_rewritten",
        "no_trade_rows",
        "market_halt",
        "overwritten_in_place",
        "free_plan_delay",
        "session_columns_by_plan",
    ),
)
