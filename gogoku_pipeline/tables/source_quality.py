"""What only the sources of the data plane can get wrong: sums, staleness, coverage, corrections, drift of fields.

Belongs here: checks that need to know the source. Does not belong here: checks that hold for any table (`quality`),
prices (`price_quality`). Findings are reported, never repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.schema.investor_types import GROUPS
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.tables.due import newest_due, sessions_behind
from gogoku_pipeline.tables.findings import Finding, check
from gogoku_pipeline.tables.rejects import Conservation
from gogoku_pipeline.tables.versions import publication_rule

SUM_TOLERANCE = 0.5
"""Sums of whole yen, thousand yen and shares agree exactly; half a unit is for floating point."""

_SALES = ("long_sell", "short_sell", "margin_sell_new", "margin_sell_close")
_PURCHASES = ("long_buy", "margin_buy_new", "margin_buy_close")
_CUSTOMERS = tuple(name for _, name, _ in GROUPS if name not in ("proprietary", "brokerage", "total"))


def expected_codes(source: str, listed_issues: pl.DataFrame, bars: pl.DataFrame | None = None) -> pl.DataFrame:
    """(session, code) of the issues an equity cross-section should speak of; for `check_listing_covered`.

    Args:
        source: `valuation` and `daily_bars` speak of every listed issue, `margin_interest` of margin and
            loan-eligible ones, `breakdown` of those that traded (with `bars`; without, of every listed one).
        listed_issues: `core_jquants__listed_issues` of the sessions judged (of margin balances: the application
            dates, under `session`).
        bars: `core_jquants__daily_bars` of the sessions judged.
    """
    if source == "margin_interest":
        return listed_issues.filter(pl.col("margin_class").is_in(["1", "2"])).select("session", "code")
    if source == "breakdown" and bars is not None:
        return bars.filter(pl.col("volume_shares") > 0).select("session", "code")
    return listed_issues.select("session", "code")


@check("breakdown_adds_up", "warn")
def check_breakdown(rows: pl.DataFrame) -> Finding:
    """Every sale has a purchase: the four sale columns and the three purchase columns have one sum, in yen and shares.

    Args:
        rows: `core_jquants__breakdown`. Whether the identity holds on every real row is not documented, hence a
            warning.
    """
    gaps = {unit: (_total(_SALES, unit) - _total(_PURCHASES, unit)).alias(f"gap_{unit}") for unit in ("jpy", "shares")}
    judged = rows.select("session", "code", *gaps.values())
    bad = judged.filter((pl.col("gap_jpy").abs() > SUM_TOLERANCE) | (pl.col("gap_shares").abs() > SUM_TOLERANCE))
    return Finding(rows.height, bad.sort("session", "code"), "rows whose sales and purchases differ")


def _total(names: Sequence[str], unit: str) -> pl.Expr:
    return pl.sum_horizontal(pl.col(f"{name}_{unit}") for name in names)


@check("flows_add_up", "warn")
def check_investor_types(rows: pl.DataFrame) -> Finding:
    """Totals are sums: sold + bought of each group, members' own + customers', and the customers' groups.

    Sales and purchases of all members need not agree (they do not in the documented row).

    Args:
        rows: `core_jquants__investor_types`.
    """
    gaps = []
    for _, name, _ in GROUPS:
        sold, bought = pl.col(f"{name}_sell_kjpy"), pl.col(f"{name}_buy_kjpy")
        gaps.append((pl.col(f"{name}_total_kjpy") - sold - bought).alias(f"{name}: total"))
        gaps.append((pl.col(f"{name}_balance_kjpy") - bought + sold).alias(f"{name}: balance"))
    for part in ("sell", "buy"):
        whole = pl.col(f"total_{part}_kjpy") - pl.col(f"proprietary_{part}_kjpy") - pl.col(f"brokerage_{part}_kjpy")
        customers = pl.sum_horizontal(pl.col(f"{name}_{part}_kjpy") for name in _CUSTOMERS)
        gaps.append(whole.alias(f"members: {part}"))
        gaps.append((pl.col(f"brokerage_{part}_kjpy") - customers).alias(f"customers: {part}"))
    keys = ("session", "section", "published_date")
    wide = rows.select(*keys, *gaps).unpivot(index=list(keys), variable_name="sum", value_name="gap")
    bad = wide.filter(pl.col("gap").abs() > SUM_TOLERANCE).sort(*keys, "sum")
    return Finding(rows.height, bad, "sums that do not add up")


@check("published_rows_are_here", "warn")
def check_fresh(table: Table, newest: date | None, now: datetime, *, tolerated: int = 0) -> Finding:
    """The newest session that was published completely is in the table.

    Args:
        table: a table typed from a source.
        newest: newest session it holds; None for an empty table.
        now: the publication clock.
        tolerated: how many sessions it may lag.
    """
    rule = publication_rule(table)
    due = newest_due(rule, now)
    if due is None:
        return Finding(1, pl.DataFrame(), "", {"sessions_behind": 0})
    behind = sessions_behind(rule, newest, now)
    if behind is not None and behind <= tolerated:
        return Finding(1, pl.DataFrame(), "", {"sessions_behind": behind})
    bad = pl.DataFrame({"newest": [newest], "due": [due]}, schema={"newest": pl.Date, "due": pl.Date})
    words = f"tables behind the publication clock: {due} was published, the newest session held is {newest}"
    return Finding(1, bad, words, {"sessions_behind": -1 if behind is None else behind})


@check("history_unchanged", "warn")
def check_corrections(counts: Sequence[Conservation]) -> Finding:
    """The newest typing of these sessions found no row that a later landing had changed, removed or added late.

    Args:
        counts: one Conservation per session, as the ledger has them.
    """
    corrected = [count for count in counts if count.superseded]
    bad = pl.DataFrame(
        {"session": [count.session for count in corrected], "superseded": [count.superseded for count in corrected]},
        schema={"session": pl.Date, "superseded": pl.Int64},
    )
    total = sum(count.superseded for count in corrected)
    return Finding(len(counts), bad, f"sessions the publisher corrected, {total} rows in all", {"superseded": total})


def field_sets(requests: pl.DataFrame) -> pl.DataFrame:
    """Which sets of fields a source has sent, newest last: [schema_fingerprint, first_day, last_day, answers].

    Args:
        requests: rows of `raw_requests` of one source; answers without rows show no fields and are left out.
    """
    day = pl.coalesce("event_date", "covers_from", pl.col("fetched_at").dt.date())
    answered = requests.filter((pl.col("status") == 200) & (pl.col("row_count") > 0))
    return (
        answered.group_by("schema_fingerprint")
        .agg(day.min().alias("first_day"), day.max().alias("last_day"), pl.len().alias("answers"))
        .sort("first_day", "last_day")
    )


@check("fields_unchanged", "warn")
def check_field_sets(requests: pl.DataFrame, *, files: bool = False) -> Finding:
    """The newest answer has the fields that all others had.

    A further field is a warning (it stays in the raw landing until it is declared); a missing or retyped one stops the
    typing by itself.

    Args:
        requests: rows of `raw_requests` of one source.
        files: judge bulk files instead of pages; their headers may differ from what pages show.
    """
    form = pl.col("media").fill_null("json") != "json" if files else pl.col("media").fill_null("json") == "json"
    answered = requests.filter(form & (pl.col("status") == 200) & (pl.col("row_count") > 0)).sort("fetched_at")
    if answered.is_empty():
        return Finding(0, pl.DataFrame(), "")
    sets = field_sets(answered)
    newest = answered["schema_fingerprint"][-1]
    bad = sets.filter(pl.col("schema_fingerprint") != newest)
    return Finding(answered.height, bad, "sets of fields other than the newest one", {"field_sets": sets.height})


@check("numbers_unique", "error")
def check_numbers_unique(source: Source, table: Table, rows: pl.DataFrame, elsewhere: pl.DataFrame) -> Finding:
    """A document number stands for one document, whatever session it lies in.

    Args:
        source: whose key is a number of the publisher (statements, statement_details, dividends).
        table: its table.
        rows: rows judged, with `session`.
        elsewhere: (session, key) of the whole table.
    """
    key = [name for name in table.key if name != "session"]
    if not key:
        raise DataError(
            f"check of {source.name}", got="no key besides the session", want="a number", remedy="Use check_schema."
        )
    both = pl.concat([rows.select("session", *key), elsewhere.select("session", *key)]).unique()
    bad = both.filter(pl.struct(key).is_duplicated()).join(rows.select(key).unique(), on=key, how="semi")
    return Finding(rows.height, bad.sort("session", *key), "numbers that stand for two documents")
