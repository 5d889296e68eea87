"""Every leak this house knows of, planted on purpose: the named part of the audit turns red.

The table PLANTED is the list; each row is judged by the production audit over a market fetched from the simulator.
What the laws of single rooms say about the same defects stands in ALSO, by test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.audit.leak_audit import PARTS, run_audit
from gogoku_pipeline.audit.market import AuditedMarket, stage_whole
from gogoku_pipeline.dataset.normaliser import NormalisedFrame, Normaliser
from gogoku_pipeline.features.declaration import per_day, per_stock
from gogoku_pipeline.features.expressions import Expr, P
from gogoku_pipeline.features.operators.windows import lag, window
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.graph.laws import draw_graph
from tests.house.named_tests import exists
from tests.unit.audit.audited import FEW, GRAPH, READ, audited_market

ALSO = {
    "a feature with shift(-1)": "tests/laws/features/test_laws_bite.py::test_a_look_ahead_breaks_truncation",
    "a window across stocks": "tests/laws/features/test_laws_bite.py::test_a_window_across_stocks_breaks_isolation",
    "a rank by row order": "tests/laws/features/test_laws_bite.py::test_ranking_ties_by_row_breaks_the_law_of_names",
    "a graph of the next session": (
        "tests/laws/graph/test_graph_laws.py::test_a_window_that_reads_the_next_session_breaks_truncation"
    ),
    "a graph that keeps the first rows": (
        "tests/laws/graph/test_graph_laws.py::test_ties_broken_by_row_order_break_the_row_order_law"
    ),
    "a scaler fitted on the test": (
        "tests/unit/training/test_walk_forward.py::test_a_panel_whose_scaler_saw_the_test_is_refused_by_name"
    ),
    "a version on a scaler from after its cut-off": (
        "tests/unit/training/test_versions.py::test_a_version_on_a_scaler_that_saw_beyond_the_cut_off_is_refused"
    ),
    "labels known after the cut-off": (
        "tests/unit/training/test_versions.py::test_labels_known_after_the_cut_off_change_nothing"
    ),
    "features normalised twice": "tests/laws/dataset/test_normaliser_laws.py::test_norm_of_norm_is_refused",
}


@dataclass(frozen=True)
class Planted:
    """A defect: how the market, the register or the scaler is spoilt, and the part that must turn red."""

    name: str
    part: str
    market: Callable[[AuditedMarket], AuditedMarket] = lambda sound: sound
    options: dict = field(default_factory=dict)


def feature(made: Expr, axis=per_stock) -> dict:
    """A throw-away register with one feature."""
    registry = Registry("throw-away")

    def defect() -> Expr:
        return made

    defect.__doc__ = "A planted defect: see the table."
    plain = {"group": "returns", "unit": "ratio", "sources": ("bars.C", "bars.AdjFactor"), "window": "S20"}
    axis("defect", registry=registry, **plain)(defect)
    return {"registry": registry.freeze(), "names": ["defect"]}


def next_value(x, starts, begin, n):
    return np.append(x[n:], np.full(n, np.nan))


def mean_of_rows_above(x, starts, begin, n):
    return np.convolve(np.nan_to_num(x), np.full(n, 1.0 / n))[: x.size]


def place_of_row(x, first, group, groups):
    return np.concatenate([np.argsort(np.argsort(part, stable=True)) for part in np.split(x, first[1:-1])]) * 1.0


def less_the_mean_of_everything(x, first, group, groups):
    return x - np.nanmean(x)


AHEAD = window("peek", next_value, P.close, n=1) / P.close - 1
ACROSS = P.close / window("across", mean_of_rows_above, P.listed * P.mark, n=20)
BY_ROW = Expr("by_row", "cross", (P.listed,), ("session",), place_of_row)
WHOLE_HISTORY = Expr("against_history", "cross", (P.close / P.open,), ("session",), less_the_mean_of_everything)


def a_day_early(source: str) -> Callable[[AuditedMarket], AuditedMarket]:
    def spoil(market):
        rows = getattr(market, source).with_columns(pl.col("available_at") - timedelta(days=1))
        return replace(market, **{source: rows})

    return spoil


def table_a_day_early(source: str) -> Callable[[AuditedMarket], AuditedMarket]:
    def spoil(market):
        rows = market.tables[source].with_columns(pl.col("available_at") - timedelta(days=1))
        return replace(market, tables={**market.tables, source: rows})

    return spoil


def one_row_a_minute_early(market):
    first = pl.int_range(pl.len()) == 0
    known = pl.when(first).then(pl.col("available_at") - timedelta(minutes=1)).otherwise(pl.col("available_at"))
    return replace(market, bars=market.bars.with_columns(known.alias("available_at")))


def corrected_later(market):
    """A correction arrives long after its session: values computed with it were not known then."""
    hit = (pl.col("session") == market.sessions[50]) & (pl.col("code") == market.bars["code"].max())
    known = pl.when(hit).then(pl.col("available_at") + timedelta(days=200)).otherwise(pl.col("available_at"))
    return replace(market, bars=market.bars.with_columns(known.alias("available_at")))


def staged(stage: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[AuditedMarket], AuditedMarket]:
    return lambda market: replace(market, stage=stage)


def on_todays_basis(bars):
    """The publisher's form of adjusted prices: every past price moves when a split comes."""
    last = pl.col("factor").last().over("code", order_by="session")
    prices = (pl.col(name) * last for name in ("open", "high", "low", "close", "mark"))
    return stage_whole(bars).with_columns(*prices, pl.col("volume") / last)


def by_arrival(bars):
    """Prices that depend on which row came first."""
    place = bars.select("session", "code").with_row_index("arrival")
    rows = stage_whole(bars).join(place, on=["session", "code"], how="left", maintain_order="left")
    return rows.with_columns(volume=pl.col("volume") + pl.col("arrival").fill_null(0)).drop("arrival")


def labels(*columns: pl.Expr) -> Callable[[AuditedMarket], AuditedMarket]:
    return lambda market: replace(market, labels=market.labels.with_columns(*columns))


def shifted(name: str, n: int = 1) -> pl.Expr:
    return pl.col(name).shift(n).over("code", "horizon_d", order_by="session")


class FittedOnEverything(Normaliser):
    """A scaler whose mean and spread come from the whole span it is handed, and that does not say so."""

    def transform(self, features, universe, market=None):
        done = super().transform(features, universe, market)
        values = pl.col(self.names)
        fitted = features.sort("session", "code").with_columns((values - values.mean()) / values.std())
        return NormalisedFrame(fitted, done.key, None)


class MarketFromTheFuture(Normaliser):
    """The market-wide features alone are compared with the whole span."""

    def market_table(self, daily):
        values = pl.col(self.market_names).cast(pl.Float32)
        return daily.sort("session").select("session", (values - values.mean()) / values.std())


def graph_of_the_next_session(returns, sessions, config):
    known = returns["session"].unique().sort().to_list()
    return draw_graph(returns, [known[min(known.index(sessions[0]) + 1, len(known) - 1)]], config)


KNOWN_AT = pl.col("available_at")

PLANTED = (
    Planted("a feature with shift(-1)", "truncation_of_features", options=feature(AHEAD)),
    Planted("a statistic of the whole history", "truncation_of_features", options=feature(WHOLE_HISTORY, per_day)),
    Planted("a window across stocks", "isolation", options=feature(ACROSS)),
    Planted("a rank by row order", "row_order", options=feature(BY_ROW, per_day)),
    Planted("prices staged in the order rows arrive", "row_order", staged(by_arrival)),
    Planted("bars available one day early", "availability", a_day_early("bars")),
    Planted("listing available one day early", "availability", a_day_early("listed")),
    Planted("index available one day early", "availability", a_day_early("topix")),
    *(
        Planted(f"{name} available one day early", "availability", table_a_day_early(name), {"names": ["ret_1d"]})
        for name in READ
    ),
    Planted("one row available one minute early", "availability", one_row_a_minute_early),
    Planted("a correction used before it came", "truncation_of_prices", corrected_later),
    Planted("prices adjusted with later factors", "truncation_of_prices", staged(on_todays_basis)),
    Planted("a scaler fitted over the whole span", "truncation_of_scaler", options={"scaler": FittedOnEverything}),
    Planted("a market scaler fitted over the span", "truncation_of_scaler", options={"scaler": MarketFromTheFuture}),
    Planted("a graph of the next session", "truncation_of_graph", options={"draw": graph_of_the_next_session}),
    Planted("returns shifted by one session", "label_alignment", labels(shifted("ret_open"))),
    Planted("targets that are past returns", "label_alignment", labels(shifted("ret_open", 6))),
    Planted("rank labels shifted by one session", "label_alignment", labels(shifted("gauss_open"))),
    Planted(
        "whole labels shifted by one session",
        "label_alignment",
        labels(shifted("entry_session"), shifted("exit_session"), shifted("ret_open")),
    ),
    Planted("entry on the day of the decision", "label_alignment", labels(pl.col("session").alias("entry_session"))),
    Planted("labels known the day before", "label_alignment", labels(KNOWN_AT - timedelta(days=1))),
    Planted("labels known before the close", "label_alignment", labels(KNOWN_AT - timedelta(hours=2))),
    Planted("labels known at no time", "label_alignment", labels(pl.when(KNOWN_AT.is_null()).then(KNOWN_AT))),
)


@pytest.fixture(scope="module")
def market() -> AuditedMarket:
    return audited_market()


@pytest.mark.parametrize("defect", PLANTED, ids=lambda defect: defect.name)
def test_a_planted_defect_turns_its_part_of_the_audit_red(market, defect):
    report = run_audit(defect.market(market), graph=GRAPH, sample=1, **{"names": FEW, **defect.options})
    assert defect.part in report.failed
    seen = next(finding for finding in report.findings if finding.part == defect.part)
    assert seen.violations, "red because of what was seen, not because nothing was compared"


def test_the_same_ways_without_a_defect_pass(market):
    sound = feature(P.mark / lag(P.mark, 1) - 1)
    report = run_audit(staged(lambda bars: stage_whole(bars))(market), graph=GRAPH, sample=1, **sound)
    assert report.passed, report.words


def test_every_part_has_a_defect_that_turns_it_red():
    assert {defect.part for defect in PLANTED} == set(PARTS)


@pytest.mark.parametrize(("defect", "test"), ALSO.items(), ids=lambda value: value.rpartition("::")[2][:60])
def test_the_laws_of_single_rooms_name_their_defects_too(defect, test):
    assert exists(test), f"{defect}: {test} is gone; point to the test that replaced it"
