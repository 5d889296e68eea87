"""Labels begin after the decision, end where they say, and are known only when they have ended."""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.audit.truncation import Answer
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.checks import check_labels
from gogoku_pipeline.dataset.exits import DELISTED
from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.schema.availability import AFTER_CLOSE

LAW = "label_alignment"

_CHECKS = ("sessions_follow_the_calendar", "known_after_exit", "null_exactly_with_reason")
_TOLERANCE = 1e-9


def label_alignment(labels: pl.DataFrame, prices: pl.DataFrame, sample: int, seed: int) -> Answer:
    """Entry follows the decision, outcomes are known after their exit, and returns are those of their own window.

    The return of sampled decisions is worked out again from nothing but the opens of the entry and exit sessions the
    label names; the rank label must order the day's stocks as their returns do.

    Args:
        labels: rows of `data__labels`.
        prices: staged prices of the same span.
        sample: decisions to work out again.
        seed: which ones.
    """
    known = labels.filter(pl.col("ret_open").is_not_null())
    if known.is_empty():
        return [], 0
    days = known["session"].unique().sort()
    drawn = stream(seed, "audit labels").choice(days.len(), size=min(sample, days.len()), replace=False)
    some = known.filter(pl.col("session").is_in(days.gather(sorted(drawn)).implode()))
    found = [*_broken_checks(labels), *_early_or_unknown(known), *_other_returns(some, prices), *_other_ranks(some)]
    return found, labels.height


def _broken_checks(labels: pl.DataFrame) -> list[Violation]:
    checks = check_labels(labels, tse_calendar())
    return [
        Violation(LAW, check.name, date.min, "", check.words)
        for check in checks
        if check.name in _CHECKS and not check.passed
    ]


def _early_or_unknown(known: pl.DataFrame) -> list[Violation]:
    sound = (pl.col("available_at") >= AFTER_CLOSE.instant(pl.col("exit_session"))) & (
        pl.col("entry_session") > pl.col("session")
    )
    return _first(known.filter(~sound.fill_null(value=False)), "available_at", "known before the evening of the exit")


def _other_returns(some: pl.DataFrame, prices: pl.DataFrame) -> list[Violation]:
    """Labels whose return is not the one between the opens of entry and exit; a delisted stock leaves at a close."""
    opens = prices.select("code", pl.col("session").alias("day"), "open")
    traded = some.filter(~pl.col("reason").eq_missing(pl.lit(DELISTED)))
    for side in ("entry", "exit"):
        named = opens.rename({"day": f"{side}_session", "open": f"{side}_open"})
        traded = traded.join(named, on=["code", f"{side}_session"], how="left")
    again = pl.col("exit_open") / pl.col("entry_open") - 1
    same = (again - pl.col("ret_open")).abs() <= _TOLERANCE * (1 + again.abs())
    return _first(traded.filter(~same.fill_null(value=False)), "ret_open", "not the return between its two opens")


def _other_ranks(some: pl.DataFrame) -> list[Violation]:
    day = ["session", "horizon_d"]
    ranked = some.filter(pl.col("gauss_open").is_not_null()).with_columns(
        pl.col(name).rank("average").over(day).alias(f"_{name}") for name in ("ret_open", "gauss_open")
    )
    return _first(ranked.filter(pl.col("_ret_open") != pl.col("_gauss_open")), "gauss_open", "orders the day otherwise")


def _first(rows: pl.DataFrame, column: str, words: str) -> list[Violation]:
    if rows.is_empty():
        return []
    session, code = rows.sort("session", "code").select("session", "code").row(0)
    return [Violation(LAW, column, session, code, f"{rows.height} labels: {words}")]
