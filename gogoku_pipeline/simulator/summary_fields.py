"""The 111 keys of the statement summary, and what each kind of document writes into them. Every value is text."""

from __future__ import annotations

from datetime import date, timedelta

from gogoku_pipeline.simulator.companies import INTERIM_AND_FINAL
from gogoku_pipeline.simulator.documents import DIVIDEND_REVISION, EPOCH, PROFIT_REVISION
from gogoku_pipeline.simulator.filings import Filing

Row = dict[str, str]


def _keys(text: str, pattern: str = "{}") -> tuple[str, ...]:
    """Keys written side by side, each put into a pattern."""
    return tuple(pattern.format(name) for name in text.split())


_FORECASTS = "Sales OP OdP NP EPS"
_DIVIDENDS = "Div1Q Div2Q Div3Q DivFY DivAnn DivUnit"
SUMMARY_KEYS: tuple[str, ...] = (
    *_keys("DiscDate DiscTime Code DiscNo DocType CurPerType CurPerSt CurPerEn CurFYSt CurFYEn NxtFYSt NxtFYEn"),
    *_keys("Sales OP OdP NP EPS DEPS TA Eq EqAR BPS CFO CFI CFF CashEq"),
    *_keys(f"{_DIVIDENDS} DivTotalAnn PayoutRatioAnn"),
    *_keys(f"{_DIVIDENDS} DivTotalAnn PayoutRatioAnn", "F{}"),
    *_keys(f"{_DIVIDENDS} PayoutRatioAnn", "NxF{}"),
    *_keys(_FORECASTS, "F{}2Q"),
    *_keys("Sales OP OdP Np EPS", "NxF{}2Q"),
    *_keys(_FORECASTS, "F{}"),
    *_keys("Sales OP OdP Np EPS", "NxF{}"),
    *_keys("MatChgSub SigChgInC ChgByASRev ChgNoASRev ChgAcEst RetroRst ShOutFY TrShFY AvgSh"),
    *_keys("Sales OP OdP NP EPS TA Eq EqAR BPS", "NC{}"),
    *_keys(_FORECASTS, "FNC{}2Q"),
    *_keys(_FORECASTS, "NxFNC{}2Q"),
    *_keys(_FORECASTS, "FNC{}"),
    *_keys(_FORECASTS, "NxFNC{}"),
    *_keys("ShEq NCShEq ROE NCROE"),
)
"""Keys of /fins/summary in the publisher's order."""

STILL_MISSING = ("CFO", "CFI", "CFF", "CashEq", "DEPS", "AvgSh", "FDivAnn", "NxFDivAnn", "DivTotalAnn")
"""What a sketchy preliminary edition leaves blank."""

SCOPE_RULE_FROM = date(2024, 7, 22)
_BLANK: Row = dict.fromkeys(SUMMARY_KEYS, "")


def summary_row(filing: Filing) -> Row:
    """A document as the final edition prints it."""
    row = _BLANK | _identity(filing)
    if filing.is_results:
        row |= _results(filing) | _shares(filing) | _flags(filing, row["DiscDate"])
        if filing.is_year and not filing.is_single:
            row |= _parent(filing)
        row |= _paid_dividends(filing)
    if filing.kind != DIVIDEND_REVISION and filing.archive.traits.guides[filing.issue]:
        row |= _forecasts(filing)
    if filing.kind != PROFIT_REVISION:
        row |= _dividend_forecasts(filing)
    return row


def amount(value: float) -> str:
    """Whole currency units."""
    return str(round(value))


def rate_text(value: float) -> str:
    """Yen per share with at least one decimal, at most two."""
    text = f"{value:.2f}"
    return text[:-1] if text.endswith("0") else text


def _identity(filing: Filing) -> Row:
    papers, calendar, issue, column = filing.archive.documents, filing.archive.calendar, filing.issue, filing.column
    end = calendar.year_end(issue, column)
    following = int(calendar.end[issue, column]) + 1
    row = {
        "DiscDate": (EPOCH + timedelta(days=int(papers.day[filing.place]))).isoformat(),
        "DiscTime": "" if filing.minute < 0 else f"{filing.minute // 60:02d}:{filing.minute % 60:02d}:00",
        "Code": filing.code,
        "DiscNo": str(int(papers.number[filing.place])),
        "DocType": filing.document_type,
        "CurPerType": filing.label if filing.is_results else "FY",
        "CurPerSt": calendar.year_start(issue, column).isoformat(),
        "CurPerEn": (calendar.period_end(issue, column) if filing.is_results else end).isoformat(),
        "CurFYSt": calendar.year_start(issue, column).isoformat(),
        "CurFYEn": end.isoformat(),
    }
    if filing.is_year:
        row["NxtFYSt"] = (end + timedelta(days=1)).isoformat()
        row["NxtFYEn"] = calendar.year_end(issue, following).isoformat()
    return row


def _results(filing: Filing) -> Row:
    rate, traits = filing.rate(filing.column), filing.archive.traits
    profit, assets, equity = filing.to_date("np"), filing.assets, filing.equity
    earnings = profit * rate / filing.average_shares
    row = {
        "Sales": amount(filing.to_date("sales") * rate),
        "OP": amount(filing.to_date("op") * rate),
        "OdP": amount(filing.to_date("odp") * rate) if filing.standard(filing.column) == "JP" else "",
        "NP": amount(profit * rate),
        "EPS": f"{earnings:.2f}",
        "DEPS": f"{earnings * 0.995:.2f}" if traits.is_diluted[filing.issue] and profit > 0 else "",
        "TA": amount(assets * rate),
        "Eq": amount(equity * rate),
        "EqAR": f"{equity / assets:.3f}",
        "ShEq": amount(equity * rate),
    }
    if filing.label in ("2Q", "FY"):
        cash = float(filing.archive.book.cash[filing.issue, filing.column])
        row["BPS"] = f"{equity * rate / (filing.shares - filing.own_shares):.2f}"
        row |= {key: amount(filing.to_date(key.lower()) * rate) for key in ("CFO", "CFI", "CFF")}
        row["CashEq"] = amount(cash * rate)
    if filing.is_year:
        row["ROE"] = f"{profit / (0.5 * (equity + filing.equity_before)):.3f}"
    return row


def _shares(filing: Filing) -> Row:
    is_silent = filing.own_shares == 0 and bool(filing.archive.traits.is_diluted[filing.issue])
    return {
        "ShOutFY": str(filing.shares),
        "TrShFY": "" if is_silent else str(filing.own_shares),
        "AvgSh": str(filing.average_shares),
    }


def _flags(filing: Filing, day: str) -> Row:
    draw = filing.event * 7919 % 101
    texts = {"MatChgSub": draw < 2, "ChgByASRev": draw in (3, 4), "ChgNoASRev": draw == 5, "ChgAcEst": draw < 3}
    row = {key: "true" if value else "false" for key, value in texts.items()}
    row["RetroRst"] = "false"
    row["SigChgInC"] = "" if day < SCOPE_RULE_FROM.isoformat() else ("true" if draw == 6 else "false")
    return row


def _parent(filing: Filing) -> Row:
    """The parent company alone, which two thirds of the groups print with the year's results."""
    share = float(filing.archive.traits.parent_share[filing.issue])
    if share > 0.74:
        return {}
    rate, is_jp = filing.rate(filing.column), filing.standard(filing.column) == "JP"
    unit = float(filing.archive.traits.unit[filing.issue])
    sales, op, odp, profit, assets, equity = (
        round(share * value / unit) * unit
        for value in (
            filing.to_date("sales"),
            filing.to_date("op"),
            filing.to_date("odp"),
            filing.to_date("np"),
            filing.assets,
            0.9 * filing.equity,
        )
    )
    return {
        "NCSales": amount(sales * rate),
        "NCOP": amount(op * rate),
        "NCOdP": amount(odp * rate) if is_jp else "",
        "NCNP": amount(profit * rate),
        "NCEPS": f"{profit * rate / filing.average_shares:.2f}",
        "NCTA": amount(assets * rate),
        "NCEq": amount(equity * rate),
        "NCEqAR": f"{equity / assets:.3f}",
        "NCBPS": f"{equity * rate / (filing.shares - filing.own_shares):.2f}",
        "NCShEq": amount(equity * rate),
        "NCROE": f"{profit / equity:.3f}",
    }


def _forecasts(filing: Filing) -> Row:
    """Forecasts: of the next year with the year's results, else of the running one."""
    plan, event = filing.archive.plan, filing.event
    first, column = int(plan.first[event]), filing.column
    prefix, np_key = ("NxF", "Np") if filing.is_year else ("F", "NP")
    values = (plan.sales[event], plan.op[event], filing.archive.plan_odp[event], filing.archive.plan_np[event])
    row = _forecast(filing, [float(value) for value in values], prefix, np_key, "")
    known = column if filing.is_results else column - 1
    if filing.archive.traits.guides_half[filing.issue] and known <= first and plan.last[event] > first + 1:
        sales, op = float(plan.half_sales[event]), float(plan.half_op[event])
        scale = op / values[1] if values[1] else 0.0
        row |= _forecast(filing, [sales, op, float(values[2] * scale), float(values[3] * scale)], prefix, np_key, "2Q")
    if filing.is_year and not filing.is_single and filing.archive.traits.parent_share[filing.issue] < 0.5:
        share = float(filing.archive.traits.parent_share[filing.issue])
        row |= _forecast(filing, [share * float(value) for value in values], "NxFNC", "NP", "")
    return row


def _forecast(filing: Filing, values: list[float], prefix: str, np_key: str, suffix: str) -> Row:
    first = int(filing.archive.plan.first[filing.event])
    rate, unit = filing.rate(first), float(filing.archive.traits.unit[filing.issue])
    sales, op, odp, profit = (round(value / unit) * unit * rate for value in values)
    return {
        f"{prefix}Sales{suffix}": amount(sales),
        f"{prefix}OP{suffix}": amount(op),
        f"{prefix}OdP{suffix}": amount(odp) if filing.standard(first) == "JP" else "",
        f"{prefix}{np_key}{suffix}": amount(profit),
        f"{prefix}EPS{suffix}": f"{profit / (filing.shares - filing.own_shares):.2f}",
    }


def _paid_dividends(filing: Filing) -> Row:
    """Dividends of the running or ended year whose record day has passed."""
    paid, event = filing.archive.paid, filing.event
    half, last = filing.first + 1, int(filing.archive.calendar.end[filing.issue, filing.column])
    if filing.column < half:
        return {}
    interim = float((paid.paid_interim if filing.is_year else paid.interim)[event])
    row = {"Div2Q": rate_text(filing.per_share(interim, half))}
    if not filing.is_year:
        return row
    final = float(paid.paid_final[event])
    row["DivFY"] = rate_text(filing.per_share(final, last))
    shares = filing.archive.shares[filing.issue] * (1.0 - float(filing.archive.book.treasury[filing.issue, last]))
    total, unit = (interim + final) * shares, float(filing.archive.traits.unit[filing.issue])
    row["DivTotalAnn"] = amount(round(total / unit) * unit) if total > 0 else ""
    if filing.dividend_basis(half) == filing.dividend_basis(last):
        yearly = filing.per_share(interim + final, last)
        earnings = filing.to_date("np") / filing.average_shares * filing.dividend_basis(last) / filing.basis
        row["DivAnn"] = rate_text(yearly)
        row["PayoutRatioAnn"] = f"{yearly / earnings:.3f}" if earnings > 0 else ""
    return row


def _dividend_forecasts(filing: Filing) -> Row:
    """Dividends still to come: of the next year with the year's results, else of the running one."""
    archive, event = filing.archive, filing.event
    first, last = int(archive.plan.first[event]), int(archive.plan.last[event])
    known = filing.column if filing.is_results else filing.column - 1
    prefix = "NxF" if filing.is_year else "F"
    if archive.traits.is_vague[filing.issue] and known < first + 2:
        return {}
    interim, final = float(archive.paid.interim[event]), float(archive.paid.final[event])
    row = {f"{prefix}DivFY": rate_text(filing.per_share(final, last))}
    if known < first + 1:
        pays_twice = archive.traits.payer[filing.issue] == INTERIM_AND_FINAL
        row[f"{prefix}Div2Q"] = rate_text(filing.per_share(interim, first + 1)) if pays_twice else "0.0"
    if filing.dividend_basis(first + 1) == filing.dividend_basis(last):
        yearly = filing.per_share(interim + final, last)
        row[f"{prefix}DivAnn"] = rate_text(yearly)
        profit = float(archive.plan_np[event]) if archive.traits.guides[filing.issue] else 0.0
        earnings = profit / (filing.shares - filing.own_shares)
        if filing.is_results and profit > 0:
            row[f"{prefix}PayoutRatioAnn"] = f"{yearly / earnings:.3f}"
    return row
