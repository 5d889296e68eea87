"""What the declaration language takes and what it refuses."""

from __future__ import annotations

import math

import pytest

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.declaration import (
    declared,
    declared_in,
    per_stock,
    three_quarters_down,
    three_quarters_up,
)
from gogoku_pipeline.features.expressions import Expr, F, P, constant, equal, greater, larger, where
from gogoku_pipeline.features.feature import Need, Window
from gogoku_pipeline.features.operators.windows import lag, mean
from gogoku_pipeline.features.registry import Registry, house

PLAIN = {"group": "returns", "unit": "ratio", "sources": ("bars.C", "bars.AdjFactor")}


def close_over_mean() -> Expr:
    """Price over its mean: c / mean_5(c)."""
    return P.close / mean(P.close, 5)


def test_one_template_makes_one_feature_per_window():
    registry = Registry("test")

    @per_stock("ret_{n}d", registry=registry, window="E{n+1}", windows=(5, 20), needs=("mark[t-{n}]",), **PLAIN)
    def change(n: int) -> Expr:
        """Price change over {n} sessions: m[t] / m[t-{n}] - 1."""
        return P.mark / lag(P.mark, n) - 1

    five, twenty = registry.freeze().features
    assert (five.name, twenty.name) == ("ret_5d", "ret_20d")
    assert str(twenty.window) == "E21"
    assert twenty.formula == "m[t] / m[t-20] - 1"
    assert twenty.summary == "Price change over 20 sessions"
    assert twenty.needs == (Need("mark", 20, 20),)


def test_a_choice_brings_words_of_its_own():
    registry = Registry("test")
    sides = {"high": {"field": "H", "which": "highest"}, "low": {"field": "L", "which": "lowest"}}
    settings = {"sources": ("bars.C", "bars.{field}"), "observes": ("close", "{s}"), "choices": {"s": sides}}

    @per_stock("{s}_gap", registry=registry, **{**PLAIN, **settings})
    def gap(s: str) -> Expr:
        """Close against the {which} price: c / {s} - 1, of C and {field}."""
        return P.close / getattr(P, s) - 1

    high, low = registry.freeze().features
    assert (high.name, low.name) == ("high_gap", "low_gap")
    assert (high.sources, low.sources) == (("bars.C", "bars.H"), ("bars.C", "bars.L"))
    assert low.observes == ("close", "low")
    assert (low.summary, low.formula) == ("Close against the lowest price", "c / low - 1, of C and L")


def test_a_contradiction_joins_what_is_undefined_and_leaves_the_formula():
    registry = Registry("test")
    impossible, still = greater(P.low, P.high), equal(P.high, P.low)
    settings = {"observes": ("close", "low", "high"), "undefined": still, "impossible": impossible}

    @per_stock("place", registry=registry, **{**PLAIN, **settings})
    def place() -> Expr:
        """Where it closed: (c - l) / (h - l)."""
        return (P.close - P.low) / (P.high - P.low)

    (feature,) = registry.freeze().features
    assert feature.expr.key == where(impossible, constant(math.nan), (P.close - P.low) / (P.high - P.low)).key
    assert feature.undefined.key == larger(still, impossible).key
    assert feature.formula == "(c - l) / (h - l)"


@pytest.mark.parametrize("n", [0, -1])
def test_a_lag_looks_back_or_is_refused(n):
    with pytest.raises(FeatureError, match="want n >= 1"):
        lag(P.close, n)


@pytest.mark.parametrize("text", [None, "", "A price change", "Summary: "])
def test_a_docstring_without_summary_and_formula_is_refused(text):
    def nameless() -> Expr:
        return P.close

    nameless.__doc__ = text
    with pytest.raises(FeatureError, match="docstring"):
        per_stock("nameless", registry=Registry("test"), **PLAIN)(nameless)


def test_a_name_declared_twice_is_refused():
    registry = Registry("test")
    per_stock("twice", registry=registry, **PLAIN)(close_over_mean)
    with pytest.raises(FeatureError, match="second declaration"):
        per_stock("twice", registry=registry, **PLAIN)(close_over_mean)


def test_a_name_of_the_house_is_refused_at_import():
    def again() -> Expr:
        """Price over its mean: c / mean_5(c)."""
        return P.close / mean(P.close, 5)

    again.__module__ = "gogoku_pipeline.features.groups.trend"
    assert "ret_1d" in house()
    with pytest.raises(FeatureError, match="second declaration"):
        per_stock("ret_1d", **PLAIN)(again)


def test_another_room_may_collect_its_own_external_declarations():
    def mine() -> None:
        """Number of neighbours: number of edges."""

    mine.__module__ = "somewhere.else"
    declared("g_only_here", **PLAIN)(mine)
    assert [feature.name for feature in declared_in("somewhere.else")] == ["g_only_here"]
    assert "g_only_here" not in house()


def test_a_declaration_outside_the_groups_names_its_registry():
    with pytest.raises(FeatureError, match="no registry"):
        per_stock("stray", **PLAIN)(close_over_mean)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("group", "gut feeling"),
        ("unit", "percent"),
        ("role", "star"),
        ("plan", "Gold"),
        ("window", "20d"),
        ("sources", ()),
    ],
)
def test_words_outside_the_closed_lists_are_refused(setting, value):
    with pytest.raises(FeatureError, match="declaration of"):
        per_stock("odd", registry=Registry("test"), **{**PLAIN, setting: value})(close_over_mean)


def test_a_frozen_registry_takes_no_more():
    registry = Registry("test").freeze()
    with pytest.raises(FeatureError, match="after the freeze"):
        per_stock("late", registry=registry, **PLAIN)(close_over_mean)


def test_features_in_the_formula_and_among_the_sources_must_agree():
    registry = Registry("test")

    @per_stock("hidden", registry=registry, **PLAIN)
    def hidden() -> Expr:
        """A dependency nobody declared: other / 2."""
        return F("other") / 2

    with pytest.raises(FeatureError, match="formula"):
        registry.freeze()


def test_a_cycle_is_refused():
    registry = Registry("test")
    for name, other in (("one", "two"), ("two", "one")):

        def half(other: str = other) -> Expr:
            """Half of another: other / 2."""
            return F(other) / 2

        per_stock(name, registry=registry, **{**PLAIN, "sources": (f"@{other}",)})(half)
    with pytest.raises(FeatureError, match="one -> two -> one"):
        registry.freeze()


def test_an_external_feature_has_a_meaning_and_no_formula():
    registry = Registry("test")

    @declared("g_degree_count", registry=registry, group="graph", unit="count", sources=("bars.C",), window="S60")
    def degree() -> None:
        """Number of neighbours: number of edges."""

    (feature,) = registry.freeze().features
    assert (feature.axis, feature.family, feature.expr) == ("external", "feat__graph", None)


def test_a_registry_may_stand_on_another():
    base = Registry("base")
    per_stock("below", registry=base, window="S5", **PLAIN)(close_over_mean)
    above = Registry("above", base.freeze())

    @per_stock("above", registry=above, **{**PLAIN, "sources": ("@below",)})
    def twice() -> Expr:
        """Twice the other: 2 * below."""
        return F("below") * 2.0

    assert above.freeze().names == ("below", "above")
    assert [feature.name for feature in above.in_order(["above"])] == ["below", "above"]
    assert above.hash() != base.hash()


def test_windows_and_needs_are_read_from_text():
    assert Window.parse("S60") == Window("S", 60)
    assert Need.parse("volume[t-4..t]") == Need("volume", 4, 0)
    assert Need.parse("@beta_60d[t-1]") == Need("@beta_60d", 1, 1)
    with pytest.raises(FeatureError):
        Need.parse("close[t+1]")


def test_three_quarters_are_rounded_as_named():
    assert (three_quarters_up(5), three_quarters_down(5)) == (4, 3)


def test_an_unknown_input_is_refused_by_name():
    with pytest.raises(FeatureError, match=r"price\.tomorrow"):
        _ = P.tomorrow
