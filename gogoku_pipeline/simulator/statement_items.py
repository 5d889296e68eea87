"""Items of a financial statement under their English labels, worked out so that every sum agrees with the summary."""

from __future__ import annotations

from datetime import date

from gogoku_pipeline.simulator.filings import Filing
from gogoku_pipeline.simulator.summary_fields import Row

CASH_FLOWS_FROM = date(2025, 10, 1)
_PERIODS = {"1Q": "第１四半期", "2Q": "第２四半期", "3Q": "第３四半期", "FY": "通期"}


def statement_items(filing: Filing, summary: Row, names: tuple[str, str]) -> dict[str, str]:
    """Labels and values of one document.

    Args:
        filing: the document.
        summary: its row in the summary.
        names: Japanese and English name of the company.
    """
    items = _about(filing, summary, names)
    standard = filing.standard(filing.column)
    if standard == "US":
        return items
    suffix = " (IFRS)" if standard == "IFRS" else ""
    items |= _balance(filing, summary, is_ifrs=standard == "IFRS", suffix=suffix)
    items |= _income(filing, summary, is_ifrs=standard == "IFRS", suffix=suffix)
    if summary["CFO"] and date.fromisoformat(summary["DiscDate"]) >= CASH_FLOWS_FROM:
        flows = (("operating", "CFO"), ("investing", "CFI"), ("financing", "CFF"))
        items |= {f"Net cash provided by (used in) {name} activities{suffix}": summary[key] for name, key in flows}
    return items


def _about(filing: Filing, summary: Row, names: tuple[str, str]) -> dict[str, str]:
    """The cover: who reports what (document and entity information)."""
    archive, issue = filing.archive, filing.issue
    before = archive.calendar.year_end(issue, filing.first - 1)
    single = filing.is_single
    scope = "非連結" if single else "連結"
    standard = {"JP": "Japan GAAP", "US": "US GAAP", "IFRS": "IFRS"}[filing.standard(filing.column)]
    mark = {"Japan GAAP": "日本基準", "US GAAP": "米国基準", "IFRS": "IFRS"}[standard]
    return {
        "EDINET code, DEI": f"E{10_000 + issue:05d}",
        "Security code, DEI": filing.code,
        "Filer name in Japanese, DEI": names[0],
        "Filer name in English, DEI": names[1],
        "Document type, DEI": f"{_PERIODS.get(filing.label, 'その他')}第３号参考様式　[{mark}]（{scope}）",
        "Accounting standards, DEI": standard,
        "Whether consolidated financial statements are prepared, DEI": "false" if single else "true",
        "Current fiscal year start date, DEI": summary["CurFYSt"],
        "Current period end date, DEI": summary["CurPerEn"],
        "Type of current period, DEI": filing.label,
        "Current fiscal year end date, DEI": summary["CurFYEn"],
        "Previous fiscal year start date, DEI": archive.calendar.year_start(issue, filing.first - 1).isoformat(),
        "Comparative period end date, DEI": archive.calendar.period_end(issue, filing.column - 4).isoformat(),
        "Previous fiscal year end date, DEI": before.isoformat(),
        "Amendment flag, DEI": "false",
        "Report amendment flag, DEI": "false",
        "XBRL amendment flag, DEI": "false",
        "Number of submission, DEI": "1",
    }


def _balance(filing: Filing, summary: Row, *, is_ifrs: bool, suffix: str) -> dict[str, str]:
    """Assets, liabilities and equity; every subtotal is the sum of its parts."""
    assets, equity = int(summary["TA"]), int(summary["Eq"])
    liabilities = assets - equity
    current, current_debts = assets * 11 // 20, liabilities * 3 // 5
    cash = min(int(summary["CashEq"]), current) if summary["CashEq"] else current // 3
    receivables = (current - cash) // 2
    capital = equity // 10
    own = -(equity // 50) if filing.own_shares else 0
    total = "Equity" if is_ifrs else "Net assets"
    items = {
        "Cash and cash equivalents" if is_ifrs else "Cash and deposits": cash,
        "Trade and other receivables - CA" if is_ifrs else "Notes and accounts receivable - trade": receivables,
        "Other current assets - CA" if is_ifrs else "Other, CA": current - cash - receivables,
        "Current assets": current,
        "Property, plant and equipment": (assets - current) // 2,
        "Non-current assets": assets - current,
        "Assets": assets,
        "Current liabilities": current_debts,
        "Non-current liabilities": liabilities - current_debts,
        "Liabilities": liabilities,
        "Share capital": capital,
        "Retained earnings": equity - capital - own,
        "Treasury shares": own,
        total: equity,
        f"Liabilities and {total.lower()}": assets,
    }
    if filing.issue % 3 == 0:
        items["Goodwill"] = (assets - current) // 10
    if not filing.own_shares:
        del items["Treasury shares"]
    return {f"{label}{suffix}": str(value) for label, value in items.items()}


def _income(filing: Filing, summary: Row, *, is_ifrs: bool, suffix: str) -> dict[str, str]:
    """Sales down to profit."""
    sales, operating, profit = (int(summary[key]) for key in ("Sales", "OP", "NP"))
    owners = "Profit (loss) attributable to owners of parent"
    if is_ifrs:
        items = {
            "Net sales" if filing.issue % 2 else "Revenue - 2": sales,
            "Operating expenses": sales - operating,
            "Operating profit (loss)": operating,
            "Profit (loss)": profit,
            owners: profit,
        }
        return {f"{label}{suffix}": f"{value}.0" for label, value in items.items()} | {
            f"Basic earnings (loss) per share{suffix}": summary["EPS"]
        }
    cost = sales * 7 // 10
    items = {
        "Net sales": sales,
        "Cost of sales": cost,
        "Gross profit (loss)": sales - cost,
        "Selling, general and administrative expenses": sales - cost - operating,
        "Operating profit (loss)": operating,
        "Ordinary profit (loss)": int(summary["OdP"]),
        "Profit (loss)": profit,
    }
    if not filing.is_single:
        items[owners] = profit
    return {label: f"{value}.0" for label, value in items.items()}
