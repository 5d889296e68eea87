"""Shares outstanding as known on each session, on the forward volume basis of staged prices.

A count stands on the basis of its period end; dividing it by the volume factor of t gives the shares of t. Where a
split had its ex-date between the period end and the disclosure, the count may already contain it: then it stands on
the basis of the disclosure, if its ratio to the count before is nearer to 1 that way. Counts hold for 250 sessions
after the document that told them. Treasury shares left blank are unknown, not none.
Source: features.md 2.4; J-Quants /fins/summary (ShOutFY, TrShFY).
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.documents import results_documents
from gogoku_pipeline.features.states.lifetimes import Lifetime, release_rows
from gogoku_pipeline.features.states.price_basis import factor_on
from gogoku_pipeline.features.states.state import Known, State

SHARES_SESSIONS = 250

COLUMNS = {
    "net_basis": "Issued less treasury shares on the forward volume basis: divide by the volume factor of t.",
    "treasury_ratio": "Treasury shares over issued ones, of the same document.",
    "told": "Number of the session from which the document that told them was usable.",
}


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row per document that tells both counts of the newest period."""
    counts = _on_one_basis(_counts(known), known.factors)
    is_newest = pl.col("period_end_date").to_physical() >= pl.col("period_end_date").to_physical().cum_max().over(
        "code"
    )
    newest = counts.filter(is_newest & _newer_version()).unique(["code", "number"], keep="last", maintain_order=True)
    rows = newest.select(
        "code",
        "number",
        pl.when(pl.col("issued_shares") > pl.col("treasury_shares"))
        .then((pl.col("issued_shares") - pl.col("treasury_shares")) * pl.col("basis"))
        .alias("net_basis"),
        (pl.col("treasury_shares") / pl.col("issued_shares")).alias("treasury_ratio"),
        pl.col("number").cast(pl.Float64).alias("told"),
    )
    return release_rows(rows, (Lifetime("told", SHARES_SESSIONS, tuple(COLUMNS)),), known.sessions)


def _counts(known: Known) -> pl.DataFrame:
    """Documents with both counts, in the order in which they became usable."""
    filed = results_documents(known, "issued_shares", "treasury_shares")
    return filed.drop_nulls(["issued_shares", "treasury_shares", "period_end_date"]).filter(pl.col("issued_shares") > 0)


def _newer_version() -> pl.Expr:
    """Whether no version of the same period that was filed later was known before."""
    return pl.col("order") >= pl.col("order").cum_max().over("code", "period_end_date")


def _on_one_basis(counts: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """Add `basis`, the volume factor in force on the day a count stands on."""
    at_end = factor_on(counts.select("code", day="period_end_date"), factors, "volume_factor")
    at_disclosure = factor_on(counts.select("code", day="disclosed_date"), factors, "volume_factor")
    both = counts.with_columns(at_end.alias("at_end"), at_disclosure.alias("at_disclosure"))
    issued = both.select("code", "issued_shares", "at_end", "at_disclosure")
    chosen: list[float] = []
    code, before = "", 0.0
    for its_code, shares, end, disclosure in issued.iter_rows():
        if its_code != code:
            code, before = its_code, 0.0
        basis = disclosure if before > 0 and _nearer(shares * disclosure, shares * end, before) else end
        chosen.append(basis)
        before = shares * basis
    return both.with_columns(pl.Series("basis", chosen, dtype=pl.Float64)).drop("at_end", "at_disclosure")


def _nearer(candidate: float, other: float, before: float) -> bool:
    """Whether the first of two counts is strictly nearer to the one before, as a ratio."""

    def distance(shares: float) -> float:
        return max(shares / before, before / shares)

    return distance(candidate) < distance(other)


STATE = State(
    alias="shares",
    axis="release",
    tables=("statements",),
    unit="code",
    columns=COLUMNS,
    stage=stage,
)
