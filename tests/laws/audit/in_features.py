"""Leaks in features, rulers and graphs."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.normaliser import NormalisedFrame, Normaliser
from gogoku_pipeline.features.declaration import per_day, per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import Expr, P
from gogoku_pipeline.features.operators.windows import lag, window
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.graph.catalogue import Catalogue
from gogoku_pipeline.graph.laws import draw_graph
from tests.laws.audit.plant import Planted, Spoil, on_road


def feature(made: Expr, axis=per_stock) -> Spoil:
    """A throw-away register with one feature."""
    registry = Registry("throw-away")

    def defect() -> Expr:
        return made

    defect.__doc__ = "A planted defect: see the table."
    plain = {"group": "returns", "unit": "ratio", "sources": ("bars.C", "bars.AdjFactor"), "window": "S20"}
    axis("defect", registry=registry, **plain)(defect)
    registry.freeze()
    panel = Catalogue((registry.feature("defect"),), f"defect {made.key}")
    return on_road(registry=registry, names=("defect",), panel=panel)


SOUND = feature(P.mark / lag(P.mark, 1) - 1)


def next_value(x, starts, begin, n):
    return np.append(x[n:], np.full(n, np.nan))


def mean_of_rows_above(x, starts, begin, n):
    return np.convolve(np.nan_to_num(x), np.full(n, 1.0 / n))[: x.size]


def mean_since_the_first_row(x, starts, begin, n):
    out = np.empty(x.size)
    for first, stop in zip(starts[:-1], starts[1:], strict=True):
        known = np.isfinite(x[first:stop])
        out[first:stop] = np.cumsum(np.where(known, x[first:stop], 0.0)) / np.maximum(np.cumsum(known), 1)
    return out


def place_of_row(x, first, group, groups):
    out = np.empty(x.size)
    for a, b in zip(first[:-1], first[1:], strict=True):
        out[a:b][np.argsort(x[a:b], kind="stable")] = np.arange(b - a)
    return out


def less_the_mean_of_everything(x, first, group, groups):
    return x - np.nanmean(x)


AHEAD = window("peek", next_value, P.close, n=1) / P.close - 1
ACROSS = P.close / window("across", mean_of_rows_above, P.listed * P.mark, n=20)
SINCE_EVER = P.close / window("since_ever", mean_since_the_first_row, P.close, n=20)
BY_ROW = Expr("by_row", "cross", (P.listed,), ("session",), place_of_row)
WHOLE_HISTORY = Expr("against_history", "cross", (P.close / P.open,), ("session",), less_the_mean_of_everything)


def label_in_features(case):
    """A join by name picked the return that is to be predicted."""
    outcome = case.market.labels.filter(pl.col("horizon_d") == 5).select("session", "code", wrong="ret_open")

    def joined(names, inputs, *, start, end, registry=None):
        frame = compute(names, inputs, start=start, end=end, registry=registry)
        with_label = frame.join(outcome, on=["session", "code"], how="left", maintain_order="left")
        return with_label.with_columns(vol_20d=pl.col("wrong").cast(pl.Float32)).drop("wrong")

    return on_road(compute=joined)(case)


def target_encoded_sector(names, inputs, *, start, end, registry=None):
    """A sector is told by what its stocks earned over the whole span."""
    frame = compute(names, inputs, start=start, end=end, registry=registry)
    later = pl.col("open").shift(-6) / pl.col("open").shift(-1) - 1
    earned = inputs.prices.sort("code", "session").select("session", "code", earned=later.over("code"))
    sectors = inputs.universe.select("session", "code", "sector33_code").join(earned, on=["session", "code"])
    code = sectors.group_by("sector33_code").agg(pl.col("earned").mean().cast(pl.Float32).alias("rel_sec33_5d"))
    told = inputs.universe.select("session", "code", "sector33_code").join(code, on="sector33_code", how="left")
    joined = frame.drop("rel_sec33_5d").join(
        told.drop("sector33_code"), on=["session", "code"], how="left", maintain_order="left"
    )
    return joined.select(frame.columns)


class FittedOnEverything(Normaliser):
    """A ruler whose mean and spread come from the whole span it is handed, and that does not say so."""

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


class FittedOnTheTest(Normaliser):
    """A ruler that says itself that it has seen what it measures."""

    def transform(self, features, universe, market=None):
        done = super().transform(features, universe, market)
        return NormalisedFrame(done.frame, done.key, features["session"].max())


def graph_of_the_next_session(returns, sessions, config):
    known = returns["session"].unique().sort().to_list()
    return draw_graph(returns, [known[min(known.index(sessions[0]) + 1, len(known) - 1)]], config)


def graph_that_counts_its_history(returns, sessions, config):
    """Weights that depend on how much history was handed in."""
    edges, nodes = draw_graph(returns, sessions, config)
    return edges.with_columns(pl.col("weight") * returns["session"].n_unique()), nodes


def restarted(names, inputs, carried, *, start, end, registry=None):
    """An evening that forgets what was carried: recursions begin anew in the last twenty sessions."""
    days = inputs.prices["session"].unique().sort()
    recent = pl.col("session") >= days[max(0, days.len() - 20)]
    short = type(inputs)(
        inputs.prices.filter(recent),
        inputs.universe.filter(recent),
        inputs.topix,
        tables=inputs.tables,
        cutoff=inputs.cutoff,
        factors=inputs.factors,
    )
    return compute(names, short, start=start, end=end, registry=registry), carried


def everybody_listed(panel, labels):
    """Who is learnt from is whoever has a bar."""
    everyone = pl.DataFrame({"session": panel.sessions}).join(pl.DataFrame({"code": panel.codes}), how="cross")
    return TrainingData(panel, labels, universe=everyone.with_columns(is_tradable=True))


def those_with_an_outcome(panel, labels):
    """Who is learnt from is whoever turned out to have a label."""
    ended = labels.filter(pl.col("ret_open").is_not_null() & (pl.col("ret_open") > -0.02)).select("session", "code")
    return TrainingData(panel, labels, universe=ended.unique().with_columns(is_tradable=True))


PLANTED = (
    Planted("a future row in a window", "truncation", "truncation_of_features", "defect", feature(AHEAD)),
    Planted(
        "a statistic of the whole history",
        "truncation",
        "truncation_of_features",
        "defect",
        feature(WHOLE_HISTORY, per_day),
    ),
    Planted(
        "a target-encoded sector",
        "truncation",
        "truncation_of_features",
        "rel_sec33_5d",
        on_road(compute=target_encoded_sector),
    ),
    Planted("a label among the features", "label_alignment", "features_against_labels", "vol_20d", label_in_features),
    Planted("a window across stocks", "isolation", "isolation", "defect", feature(ACROSS)),
    Planted("a rank by row order", "isolation", "row_order", "defect", feature(BY_ROW, per_day), is_alone=True),
    Planted(
        "a window longer than declared",
        "chunks",
        "chunks_of_features",
        "defect",
        feature(SINCE_EVER),
    ),
    Planted(
        "a carried state forgotten",
        "chunks",
        "appended_session",
        "rsi_14_score",
        on_road(append=restarted),
        is_alone=True,
    ),
    Planted(
        "a ruler fitted over the whole span",
        "truncation",
        "truncation_of_scaler",
        "ret_1d",
        on_road(scaler=FittedOnEverything),
    ),
    Planted("a ruler of parts of the span", "chunks", "chunks_of_scaler", "ret_1d", on_road(scaler=FittedOnEverything)),
    Planted(
        "a market ruler fitted over the span",
        "truncation",
        "truncation_of_scaler",
        "mkt_ret_1d",
        on_road(scaler=MarketFromTheFuture),
    ),
    Planted(
        "a ruler fitted on test rows",
        "truncation",
        "truncation_of_scaler",
        "fitted_through",
        on_road(scaler=FittedOnTheTest),
    ),
    Planted(
        "a graph of the next session",
        "truncation",
        "truncation_of_graph",
        "graph__correlation",
        on_road(draw=graph_of_the_next_session),
    ),
    Planted(
        "a graph that counts its history",
        "chunks",
        "chunks_of_graph",
        "graph__correlation",
        on_road(draw=graph_that_counts_its_history),
    ),
    Planted("stocks outside the universe", "truncation", "cross_section", "universe", on_road(serve=everybody_listed)),
    Planted(
        "stocks chosen by their outcome",
        "truncation",
        "cross_section",
        "universe",
        on_road(serve=those_with_an_outcome),
        sample=3,
    ),
)
