"""The evening report from what is stored: the list, its record so far, the gate's last word, the state of the data."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.evaluation.report import render_report
from gogoku_pipeline.evaluation.report_inputs import Judged, Reign, ReportInputs, Traded
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.monitoring.coverage import coverage_by_session
from gogoku_pipeline.monitoring.explained_page import explained_of
from gogoku_pipeline.monitoring.feature_pictures import with_feature_pictures
from gogoku_pipeline.monitoring.live_intervals import served_calibration
from gogoku_pipeline.monitoring.record import out_of_sample
from gogoku_pipeline.registry.backtest_runs import daily_ledger
from gogoku_pipeline.registry.backtest_tables import ACCOUNTS, CAPACITY, EXPOSURE
from gogoku_pipeline.registry.champions import history
from gogoku_pipeline.registry.evidence import ORACLE
from gogoku_pipeline.registry.promotions import last_verdicts
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.schema import daily_bars, listed_issues
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.summary import data_summary
from gogoku_pipeline.tables.universe import UNIVERSE

SHOWN_SESSIONS, SHOWN_REIGN = 60, 500
"""Sessions of the coverage heat map, and of the champion's story."""


def evening_report(
    store: Store,
    session: date | None,
    *,
    generated_at: datetime,
    terms: Terms,
    simulated: bool = False,
    oracle: pl.DataFrame | None = None,
    plan: str = PLANS[-1],
) -> str:
    """The page of a session.

    Args:
        store: where everything lies.
        session: None for the newest list.
        generated_at: aware instant of writing.
        terms: horizon of the list that is shown, and the terms of the live test.
        simulated: the market is the simulator's.
        oracle: [session, code, horizon_d, score] of somebody who knows the planted truth, shown as a yardstick.
        plan: whose features are drawn.

    Returns:
        One self-contained HTML page.

    Raises:
        PartitionMissingError: no list was made for that session.
    """
    inputs = evening_inputs(store, session, generated_at, terms, simulated=simulated, oracle=oracle, plan=plan)
    return render_report(with_feature_pictures(inputs, store, plan))


def evening_inputs(
    store: Store,
    session: date | None,
    generated_at: datetime,
    terms: Terms,
    *,
    simulated: bool,
    oracle: pl.DataFrame | None = None,
    plan: str = PLANS[-1],
) -> ReportInputs:
    """What the page shows, read from the tables; sections without data are left out."""
    day, horizon_d = _newest(store, session), terms.gate.horizon_d
    lists = store.tables.scan(PREDICTIONS, end=day).filter(pl.col("horizon_d") == horizon_d).collect()
    tonight = lists.filter(pl.col("session") == day).sort("rank")
    head = tonight.row(0, named=True)
    names = store.tables.scan(listed_issues.SNAPSHOT, start=day, end=day).select(
        "code", "name", "name_english", "sector33_code"
    )
    verdicts = last_verdicts(store, day)
    judged = [verdict.challenger for verdict in verdicts] + [verdict.baseline for verdict in verdicts[:1]]
    focus = judged or [head["model"]]
    record = out_of_sample(store, day, oracle, focus=focus, plan=plan)
    coverage, sources = _data(store, day, generated_at)
    return ReportInputs(
        session=day,
        generated_at=generated_at,
        model=head["model"],
        model_version=head["model_version"],
        served_because=head["served_because"],
        predictions=tonight,
        names=names.collect(),
        horizon_d=horizon_d,
        verdicts=verdicts,
        summary=None if record is None else record.summary,
        oracle=ORACLE if oracle is not None else None,
        daily_ic=None if record is None else record.daily_ic,
        quantiles=None if record is None else record.quantiles,
        sources=sources,
        coverage=coverage,
        judged=Judged(
            None if record is None else record.horizons,
            None if record is None else record.breakdown,
            served_calibration(store, day, horizon_d, plan=plan),
        ),
        reign=reign_until(store, day, terms),
        traded=newest_backtests(store, horizon_d),
        explained=explained_of(store, day, horizon_d, focus, plan),
        versions={"features": head["feature_hash"][:16], "tables": head["table_versions"]},
        simulated=simulated,
    )


def reign_until(store: Store, day: date, terms: Terms) -> Reign:
    """Who was champion and who served over the newest sessions that have a list."""
    from gogoku_pipeline.registry.timeline import champion_timeline  # imported late: it loads every model family

    days = [session for session in store.tables.sessions(PREDICTIONS) if session <= day][-SHOWN_REIGN:]
    said = history(store).filter(pl.col("decided_for") <= day)
    return Reign(champion_timeline(store, terms, days), said if said.height else None)


def newest_backtests(store: Store, horizon_d: int) -> Traded:
    """What the newest backtests left; nothing before the first of them."""
    if not store.tables.exists(ACCOUNTS):
        return Traded()
    accounts, exposure, capacity = (store.tables.scan(table).collect() for table in (ACCOUNTS, EXPOSURE, CAPACITY))
    return Traded(accounts, exposure, capacity, daily_ledger(store, horizon_d))


def _newest(store: Store, session: date | None) -> date:
    made = store.tables.sessions(PREDICTIONS)
    if not made or (session is not None and session not in made):
        raise PartitionMissingError(
            f"report of {session or 'the newest list'}",
            got=f"{len(made)} lists" + (f", the newest of {made[-1]}" if made else ""),
            want="a list of that session",
            remedy="Materialise pred__daily for it first.",
        )
    return session or made[-1]


def _data(store: Store, day: date, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Coverage by session, and one line per source."""
    written = [session for session in store.tables.sessions(UNIVERSE) if session <= day][-SHOWN_SESSIONS:]
    universe = store.tables.scan(UNIVERSE, start=written[0], end=day).collect()
    bars = store.tables.scan(daily_bars.TABLE, start=written[0], end=day).select("session", "code").collect()
    parts = {
        "daily bars": bars,
        "universe": universe.filter("is_in_universe"),
        "tradable": universe.filter("is_tradable"),
    }
    return coverage_by_session(parts, universe, written), data_summary(store, list(SOURCES), day, now=now)
