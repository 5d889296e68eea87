"""Part 5, label alignment: labels begin after the decision, end where they say, and are known when they have ended.

On scores the scan of shifted windows needs a decision. A score made of past prices correlates with windows that have
ended, by construction (a momentum score *is* one), so "peaks nowhere before the label's own window" is asked of the
label itself, against windows worked out anew from opens; a score is asked about windows that begin after its decision,
which nobody knows better than NOBODY_KNOWS. So is every single feature.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.checks import check_labels
from gogoku_pipeline.dataset.exits import DELISTED
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.training.recipes import over_windows

LAW = "label_alignment"

SHIFTS = range(-20, 21)
"""Sessions by which windows are shifted."""

NOBODY_KNOWS = 0.5
"""Mean daily RankIC with a window that has not begun: ten times what honest models reach; only a leak gets there."""

CHANCE = 4.0
"""Standard errors, 1 / sqrt(names - 1), that one cross-section must be beyond chance. A slow feature has one order on
all the days that are looked at, and their labels overlap, so many days say little more than one."""

_DAYS = 20
"""Decisions a scan looks at; enough, since each has a whole cross-section."""

_CHECKS = ("sessions_follow_the_calendar", "known_after_exit", "null_exactly_with_reason")
_TOLERANCE = 1e-9


def label_alignment(case: Case) -> Answer:
    """Entry follows the decision, outcomes are known after their exit, and returns are those of their own window.

    The return of sampled decisions is worked out again from nothing but the opens of the entry and exit sessions the
    label names; the rank label must order the day's stocks as their returns do.
    """
    labels = case.market.labels
    known = labels.filter(pl.col("ret_open").is_not_null())
    if known.is_empty():
        return [], 0
    some = known.filter(pl.col("session").is_in(_drawn(known, case).implode()))
    found = [
        *_broken_checks(labels),
        *_early_or_unknown(known),
        *_other_returns(some, case.market.stage(case.market.bars)),
        *_other_ranks(some),
    ]
    return found, labels.height


def label_windows(case: Case) -> Answer:
    """The label agrees with the return of its own window, and with no window shifted by 1 to 20 sessions as well."""
    labels = case.market.labels.filter(pl.col("ret_open").is_not_null() & pl.col("reason").is_null())
    found: list[Violation] = []
    compared = 0
    for horizon in sorted(labels["horizon_d"].unique()):
        own = labels.filter(pl.col("horizon_d") == horizon)
        some = own.filter(pl.col("session").is_in(_drawn(own, case, _DAYS).implode()))
        profile = _profile(some, "ret_open", _windows(case, int(horizon)))
        compared += some.height
        if profile.is_empty():
            continue
        peak, best = profile.sort("ic", descending=True).row(0)
        if peak != 0 or best < 0.99:
            words = f"horizon {horizon}: agrees best ({best:.2f}) with the window shifted by {peak:+d} sessions, want 0"
            found.append(Violation("label_windows", "ret_open", some["session"].min(), "", words))  # type: ignore[arg-type]
    return found, compared


def score_windows(case: Case) -> Answer:
    """Out-of-sample scores know no window that begins after their decision better than anybody can."""
    fold, data = case.fold, case.learning
    windows = _windows(case, case.road.horizon_d)
    found: list[Violation] = []
    compared = 0
    for recipe in case.road.recipes:
        walked = over_windows(recipe, data, [fold.train])
        fitted = walked.fit(data, fold.train, fold.validation, case.seed, case.road.horizon_d)
        scores = fitted.score(data, fold.counted[:_DAYS]).filter(pl.col("score").is_not_null())
        profile = _profile(scores, "score", windows).filter(pl.col("shift") >= 0)
        compared += scores.height
        found += [
            Violation(
                "score_windows", recipe.name, fold.counted[0], "", f"RankIC {ic:.2f} with the window {shift} ahead"
            )
            for shift, ic in profile.filter(pl.col("ic").abs() >= NOBODY_KNOWS).head(1).iter_rows()
        ]
    return found, compared


def features_against_labels(case: Case) -> Answer:
    """No single feature of the panel orders the day's stocks as their label does.

    A feature that few stocks have (a reaction to results) orders them by chance as well as a leak would: it must agree
    beyond chance, and where not even full agreement would, it is not asked.
    """
    data, horizon = case.learning, case.road.horizon_d
    wanted = data.targets(horizon, "ret_open").values
    days = [day for day in case.fold.train if np.isfinite(wanted[data.panel.index(day)]).any()][-_DAYS:]
    table = data.table(days)
    labels = wanted[[data.panel.index(day) for day in days]][table.day, table.stocks]
    found: list[Violation] = []
    for place, name in enumerate(data.panel.names):
        daily = [rank_ic(table.values[table.day == day, place], labels[table.day == day]) for day in range(len(days))]
        known = [value for value in daily if np.isfinite(value)]
        both = np.isfinite(table.values[:, place]) & np.isfinite(labels)
        names = np.count_nonzero(both) / max(len(known), 1)
        limit = max(NOBODY_KNOWS, CHANCE / np.sqrt(max(names - 1.0, 1.0)))
        if len(known) > len(days) // 2 and abs(float(np.mean(known))) >= limit:
            words = f"RankIC {np.mean(known):.2f} with the return it is to predict, over {names:.0f} stocks a day"
            found.append(Violation("features_against_labels", name, days[0], "", words))
    return found, table.values.size


def _drawn(labels: pl.DataFrame, case: Case, least: int = 0) -> pl.Series:
    """Decisions that are looked at."""
    days = labels["session"].unique().sort()
    count = min(max(case.sample, least), days.len())
    return days.gather(sorted(stream(case.seed, "audit labels").choice(days.len(), size=count, replace=False)))


def _windows(case: Case, horizon: int) -> pl.DataFrame:
    """[place, code, ahead]: return from the open after a place of the calendar, over `horizon` sessions."""
    places = pl.DataFrame({"session": tse_calendar().sessions}, schema={"session": pl.Date}).with_row_index("place")
    prices = case.market.stage(case.market.bars).select("session", "code", "open")
    opens = prices.join(places, on="session").select("code", pl.col("place").cast(pl.Int64), "open").drop_nulls()
    entry = opens.with_columns(pl.col("place") - 1)
    leave = opens.select("code", pl.col("place") - 1 - horizon, leave="open")
    both = entry.join(leave, on=["code", "place"])
    return both.select("place", "code", ahead=pl.col("leave") / pl.col("open") - 1)


def _profile(rows: pl.DataFrame, column: str, windows: pl.DataFrame) -> pl.DataFrame:
    """[shift, ic]: mean daily rank correlation of a column with the windows shifted by each of SHIFTS."""
    places = pl.DataFrame({"session": tse_calendar().sessions}, schema={"session": pl.Date}).with_row_index("own")
    placed = (
        rows.select("session", "code", column).join(places, on="session").with_columns(pl.col("own").cast(pl.Int64))
    )
    shifts = pl.DataFrame({"shift": list(SHIFTS)}, schema={"shift": pl.Int64})
    found = (
        placed.join(shifts, how="cross")
        .with_columns(place=pl.col("own") + pl.col("shift"))
        .join(windows, on=["place", "code"])
        .group_by("shift", "session")
        .agg(pl.corr(pl.col(column).rank(), pl.col("ahead").rank()).fill_nan(None).alias("ic"))
    )
    return found.group_by("shift").agg(pl.col("ic").mean()).drop_nulls().sort("shift")


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
