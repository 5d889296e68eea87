"""What a company earned and owns as known on each session: quarters, twelve months and balances from its statements.

After every results document the whole of what is known is looked at again: the newest version of every period counts,
so a correction of last year's half changes this year's twelve months from its own session on, and not before.
Results hold for 250 sessions after the newest results document, the cash flow for 500 after the newest document with
one. Amounts are yen; those of an issue that reports in another currency are in that currency and `yen` is null.
Source: features.md 2.5 and 3.17; J-Quants /fins/summary.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.features.states.documents import results_documents
from gogoku_pipeline.features.states.lifetimes import Lifetime, release_rows
from gogoku_pipeline.features.states.quarters import FIGURES, OUTPUTS, replay
from gogoku_pipeline.features.states.state import Known, State

STATEMENT_SESSIONS = 250
CASH_FLOW_SESSIONS = 500

CASH_FLOW = {
    "cfo_ttm": "Operating cash flow of the newest twelve months for which it is known.",
    "cfi_ttm": "Investing cash flow of the same twelve months.",
    "np_ttm_cfo": "Profit of the same twelve months.",
}
RESULTS = {
    "period_end": "Last day of the newest period known, days since 1970-01-01.",
    "year_end": "Last day of the fiscal year of that period, days since 1970-01-01.",
    "sales_q": "Sales of the newest single quarter.",
    "sales_q4": "Sales of the quarter that ended twelve months earlier.",
    "sales_ttm": "Sales of the twelve months to the newest period end.",
    "sales_ttm_before": "Sales of the twelve months before those.",
    "op_q": "Operating profit of the newest single quarter.",
    "op_q4": "Operating profit of the quarter that ended twelve months earlier.",
    "op_ttm": "Operating profit of the twelve months to the newest period end.",
    "op_ttm_before": "Operating profit of the twelve months before those.",
    "op_ytd": "Operating profit since the start of the running fiscal year; null after its full-year document.",
    "op_ytd_before": "The same of the previous fiscal year at the same distance from its start.",
    "op_year_before": "Operating profit of the previous fiscal year.",
    "op_last_year": "Operating profit of the last full fiscal year reported.",
    "sales_last_year": "Sales of the last full fiscal year reported.",
    "np_ttm": "Profit of the twelve months to the newest period end.",
    "np_q_sd8": "Standard deviation of the profit of single quarters over 8 quarters, at least 6 of them known.",
    "sue_op": "Seasonal change of quarterly operating profit over the deviation of the 8 changes before, at least 4.",
    "sue_sales": "The same of sales.",
    "total_assets": "Total assets in the newest document with them.",
    "total_assets_before": "Total assets twelve months before those.",
    "equity": "Equity in the newest document with it.",
    "equity_before": "Equity twelve months before that.",
    "equity_ratio": "Equity over total assets as filed, in the newest document with it.",
    "cash": "Cash and equivalents in the newest document with them.",
    "cash_total_assets": "Total assets in the same document as cash.",
    "cash_equity": "Equity in the same document as cash.",
}
AGES = {
    "yen": "1 where the figures are in yen, null where they are in another currency; never expires.",
    "known": "Number of the session from which the newest results document was usable; never expires.",
    "cfo_known": "Number of the session from which the newest document with a cash flow was usable; never expires.",
}

LIFETIMES = (
    Lifetime("known", STATEMENT_SESSIONS, tuple(RESULTS)),
    Lifetime("cfo_known", CASH_FLOW_SESSIONS, tuple(CASH_FLOW)),
)


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row whenever something known about an issue's results changes."""
    filed = _filed(known)
    if filed.is_empty():
        return release_rows(_row_schema().to_frame(), LIFETIMES, known.sessions)
    values = replay(
        _firsts(filed),
        filed.select("period_end", "year_start", "year_end", "year_ago", "basis", "order").to_numpy(),
        filed.select(pl.col(*FIGURES).cast(pl.Float64).fill_null(float("nan"))).to_numpy(),
    )
    made = {name: pl.Series(name, values[:, place]).fill_nan(None) for place, name in enumerate(OUTPUTS)}
    number = pl.col("number").cast(pl.Float64)
    with_cash_flow = pl.when(pl.col("operating_cash_flow_jpy").is_not_null()).then(number)
    rows = filed.with_columns(
        known=number,
        cfo_known=with_cash_flow.forward_fill().over("code"),
        yen=pl.when(pl.col("currency") == "JPY").then(1.0),
    ).with_columns(**made)
    newest = rows.unique(["code", "number"], keep="last", maintain_order=True).select(_row_schema().names())
    return release_rows(newest.cast(_row_schema()), LIFETIMES, known.sessions)


def _filed(known: Known) -> pl.DataFrame:
    """Results documents that say which period they are about, in the order in which they became usable."""
    filed = results_documents(known, *FIGURES).drop_nulls(["fiscal_year_start_date", "period_end_date"])

    def day(name: str) -> pl.Expr:
        return pl.col(name).to_physical().cast(pl.Int64)

    scope = pl.col("document_type").str.split("_").list.slice(1).list.join("_")
    return filed.with_columns(
        # A company without assets, or with fewer than none, is a slip of the document: nothing can be set against it.
        total_assets_jpy=pl.when(pl.col("total_assets_jpy") > 0).then("total_assets_jpy"),
        period_end=day("period_end_date"),
        year_start=day("fiscal_year_start_date"),
        year_end=day("fiscal_year_end_date").fill_null(0),
        year_ago=pl.col("period_end_date").dt.offset_by("-1y").to_physical().cast(pl.Int64),
        basis=pl.concat_str(scope, "currency", separator="_").rank("dense").cast(pl.Int64),
    )


def _firsts(filed: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """[codes + 1] where the documents of each code begin."""
    changes = filed.select((pl.col("code") != pl.col("code").shift(1)).fill_null(value=True)).to_series()
    return np.append(np.flatnonzero(changes.to_numpy()), filed.height).astype(np.int64)


def _row_schema() -> pl.Schema:
    values = dict.fromkeys((*AGES, *RESULTS, *CASH_FLOW), pl.Float64())
    return pl.Schema({"code": pl.String(), "number": pl.Int64(), **values})


STATE = State(
    alias="fin",
    axis="release",
    tables=("statements",),
    unit="code",
    columns={**AGES, **RESULTS, **CASH_FLOW},
    stage=stage,
)
