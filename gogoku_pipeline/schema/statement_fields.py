"""The 111 fields of a statement summary, spelled out from the few patterns they follow.

Every value is a JSON string and "" means no value. Two spellings are the publisher's own and stay: `NxFNp` and
`NxFNp2Q` with a small p, against `FNP` and `NxFNCNP`. Source: J-Quants V2 /fins/summary.
"""

from itertools import product

from gogoku_pipeline.schema.kept import DATE, DATE_OR_BLANK, ISSUE_CODE, TEXT, TEXT_OR_BLANK, Form, Kept, kept

DOCUMENT_TYPES = (
    *(
        f"{period}FinancialStatements_{group}_{standard}"
        for period, (group, standard) in product(
            ("FY", "1Q", "2Q", "3Q", "OtherPeriod"),
            (
                ("Consolidated", "JP"),
                ("Consolidated", "US"),
                ("NonConsolidated", "JP"),
                ("Consolidated", "JMIS"),
                ("NonConsolidated", "IFRS"),
                ("Consolidated", "IFRS"),
                ("NonConsolidated", "Foreign"),
                ("Consolidated", "Foreign"),
            ),
        )
    ),
    "FYFinancialStatements_Consolidated_REIT",
    "DividendForecastRevision",
    "EarnForecastRevision",
    "REITDividendForecastRevision",
    "REITEarnForecastRevision",
)
"""The 45 documented kinds. A new kind keeps its row and is reported: losing a statement would be worse."""

PERIODS = ("1Q", "2Q", "3Q", "4Q", "5Q", "FY")

_NUMBER = Form("text_number", marks=("",))
_COUNT = Form("text_number", marks=("",), at_least=0)
_DIVIDEND = Form("text_number", marks=("", "-", "－"))
_TRUTH = Form("truth", marks=("",))
_ADDED = Form("text_number", marks=("",), optional=True)
_YEN, _SHARE, _DECIMAL = "JPY, signed", "JPY per share", "decimal"

_IDENTITY = (
    kept("DiscDate", "disclosed_date", DATE, "Day of disclosure."),
    kept("DiscTime", "disclosed_time", Form("time", marks=("",)), "Time of disclosure, HH:MM:SS; null if missing."),
    ISSUE_CODE,
    kept("DiscNo", "disclosure_number", TEXT, "Number of the document, 14 digits; one per document."),
    kept("DocType", "document_type", TEXT, "Kind of document.").expecting(*DOCUMENT_TYPES),
    kept("CurPerType", "period_type", TEXT_OR_BLANK, "Quarter; 4Q and 5Q in changed years.").expecting(*PERIODS),
    kept("CurPerSt", "period_start_date", DATE_OR_BLANK, "First day of the period."),
    kept("CurPerEn", "period_end_date", DATE_OR_BLANK, "Last day of the period."),
    kept("CurFYSt", "fiscal_year_start_date", DATE_OR_BLANK, "First day of the fiscal year."),
    kept("CurFYEn", "fiscal_year_end_date", DATE_OR_BLANK, "Last day of the fiscal year."),
    kept("NxtFYSt", "next_fiscal_year_start_date", DATE_OR_BLANK, "First day of the next fiscal year."),
    kept("NxtFYEn", "next_fiscal_year_end_date", DATE_OR_BLANK, "Last day of the next fiscal year."),
)

_EARNINGS = (
    ("Sales", "sales_jpy", "Sales", _YEN),
    ("OP", "operating_profit_jpy", "Operating profit", _YEN),
    ("OdP", "ordinary_profit_jpy", "Ordinary profit", _YEN),
    ("NP", "profit_jpy", "Profit", _YEN),
    ("EPS", "eps_jpy", "Earnings per share", _SHARE),
)
_BALANCE = (
    ("TA", "total_assets_jpy", "Total assets", _YEN),
    ("Eq", "equity_jpy", "Equity", _YEN),
    ("EqAR", "equity_ratio", "Equity over total assets, decimal", _DECIMAL),
    ("BPS", "book_value_per_share_jpy", "Book value per share", _SHARE),
)
_CASH = (
    ("CFO", "operating_cash_flow_jpy", "Cash flow from operations", _YEN),
    ("CFI", "investing_cash_flow_jpy", "Cash flow from investing", _YEN),
    ("CFF", "financing_cash_flow_jpy", "Cash flow from financing", _YEN),
    ("CashEq", "cash_jpy", "Cash and equivalents at the end", _YEN),
)
_DIVIDENDS = (
    ("Div1Q", "dividend_1q_jpy", "dividend per share, first quarter", _SHARE),
    ("Div2Q", "dividend_2q_jpy", "dividend per share, second quarter", _SHARE),
    ("Div3Q", "dividend_3q_jpy", "dividend per share, third quarter", _SHARE),
    ("DivFY", "dividend_year_end_jpy", "dividend per share, year end", _SHARE),
    ("DivAnn", "dividend_annual_jpy", "dividend per share, whole year", _SHARE),
    ("DivUnit", "distribution_per_unit_jpy", "distribution per unit of a REIT", _SHARE),
    ("DivTotalAnn", "dividend_total_jpy", "dividends of the year", _YEN),
    ("PayoutRatioAnn", "payout_ratio", "dividends over profit, decimal", _DECIMAL),
)


def _numbers(rows: tuple[tuple[str, str, str, str], ...], form: Form = _NUMBER) -> tuple[Kept, ...]:
    return tuple(
        kept(name, column, form, f"{words[0].upper()}{words[1:]}.", unit) for name, column, words, unit in rows
    )


def _dividends(key: str, prefix: str, words: str) -> tuple[Kept, ...]:
    rows = tuple(row for row in _DIVIDENDS if key != "NxF" or row[0] != "DivTotalAnn")
    return _numbers(tuple((f"{key}{n}", f"{prefix}{c}", f"{words} {w}", u) for n, c, w, u in rows), _DIVIDEND)


def _forecasts(key: str, prefix: str, words: str, half: bool) -> tuple[Kept, ...]:
    """Five forecast lines; the publisher writes `Np` where a next-year forecast is consolidated."""
    rows = []
    for name, column, line, unit in _EARNINGS:
        spelled = "Np" if key == "NxF" and name == "NP" else name
        stem = column.removesuffix("_jpy")
        ours = f"{prefix}{stem}_2q_jpy" if half else f"{prefix}{column}"
        until = "for the first two quarters" if half else "for the whole year"
        rows.append((f"{key}{spelled}{'2Q' if half else ''}", ours, f"{words} {line.lower()} {until}", unit))
    return _numbers(tuple(rows))


def _claim(name: str, column: str, words: str) -> Kept:
    return kept(name, column, _TRUTH, words)


def _non_consolidated() -> tuple[Kept, ...]:
    rows = (*_EARNINGS, *_BALANCE)
    return _numbers(
        tuple((f"NC{n}", f"non_consolidated_{c}", f"Non-consolidated {w[0].lower()}{w[1:]}", u) for n, c, w, u in rows)
    )


ROWS: tuple[Kept, ...] = (
    *_IDENTITY,
    *_numbers((*_EARNINGS, ("DEPS", "diluted_eps_jpy", "Diluted earnings per share", _SHARE))),
    *_numbers((*_BALANCE, *_CASH)),
    *_dividends("", "", "Result:"),
    *_dividends("F", "forecast_", "Forecast:"),
    *_dividends("NxF", "next_forecast_", "Forecast for next year:"),
    *_forecasts("F", "forecast_", "Forecast", half=True),
    *_forecasts("NxF", "next_forecast_", "Forecast for next year:", half=True),
    *_forecasts("F", "forecast_", "Forecast", half=False),
    *_forecasts("NxF", "next_forecast_", "Forecast for next year:", half=False),
    _claim("MatChgSub", "is_subsidiary_changed", "Material changes in subsidiaries."),
    _claim("SigChgInC", "is_scope_changed", "Significant changes in the scope of consolidation; from 2024-07-22."),
    _claim("ChgByASRev", "is_policy_changed_by_standard", "Accounting changed with revised standards."),
    _claim("ChgNoASRev", "is_policy_changed_otherwise", "Accounting changed for other reasons."),
    _claim("ChgAcEst", "is_estimate_changed", "Accounting estimates changed."),
    _claim("RetroRst", "is_restated", "Earlier figures restated."),
    kept("ShOutFY", "issued_shares", _COUNT, "Shares issued at the end, with treasury shares.", "shares"),
    kept("TrShFY", "treasury_shares", _COUNT, "Treasury shares at the end.", "shares"),
    kept("AvgSh", "average_shares", _COUNT, "Average number of shares in the period.", "shares"),
    *_non_consolidated(),
    *_forecasts("FNC", "forecast_non_consolidated_", "Forecast, non-consolidated:", half=True),
    *_forecasts("NxFNC", "next_forecast_non_consolidated_", "Forecast for next year, non-consolidated:", half=True),
    *_forecasts("FNC", "forecast_non_consolidated_", "Forecast, non-consolidated:", half=False),
    *_forecasts("NxFNC", "next_forecast_non_consolidated_", "Forecast for next year, non-consolidated:", half=False),
    *_numbers(
        (
            ("ShEq", "shareholders_equity_jpy", "Equity of the shareholders; since August 2026", _YEN),
            ("NCShEq", "non_consolidated_shareholders_equity_jpy", "The same, non-consolidated; since 2026-08", _YEN),
            ("ROE", "roe", "Return on equity, decimal; since August 2026", _DECIMAL),
            ("NCROE", "non_consolidated_roe", "The same, non-consolidated; since August 2026", _DECIMAL),
        ),
        _ADDED,
    ),
)
"""All fields in the publisher's order."""
