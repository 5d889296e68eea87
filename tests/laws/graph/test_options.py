"""Every dial does what it says: each setting against the slow computation, and against looking ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.graph import laws
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.graph.hubs import hub_edges
from gogoku_pipeline.graph.node_features import compute_node_features
from gogoku_pipeline.graph.typed import typed_edges

PLACES = (84, 149)
SETTINGS = {
    "topix": {"residual": "topix"},
    "sector": {"residual": "sector"},
    "short memory": {"half_life": 5.0, "shrink": 0.8, "threshold": 0.2},
    "wide": {"k": 64, "threshold": 0.15},
    "sector, wide": {"residual": "sector", "k": 64, "shrink": 1.0, "threshold": 0.1, "half_life": float("inf")},
}


@pytest.fixture(scope="module")
def days(sessions):
    return [sessions[place] for place in PLACES]


@pytest.mark.parametrize("name", SETTINGS)
def test_edges_equal_those_of_a_direct_loop_over_pairs(name, returns, days, oracle, config):
    chosen = replace(config, **SETTINGS[name])
    edges = build_edges(returns, days, chosen)
    assert edges.height > 30
    for day in days:
        rows = edges.filter(pl.col("session") == day).select("code_i", "code_j", "weight").iter_rows()
        got, want = {(low, high): weight for low, high, weight in rows}, oracle(day, chosen)
        assert got.keys() == want.keys()
        assert got == pytest.approx(want, abs=1e-6)


def test_each_residual_draws_another_graph(returns, days, config):
    drawn = [build_edges(returns, days, replace(config, residual=name)) for name in ("market", "topix", "sector")]
    pairs = [set(edges.select("session", "code_i", "code_j").iter_rows()) for edges in drawn]
    assert pairs[0] != pairs[1] != pairs[2] != pairs[0]


def test_taking_out_the_sector_takes_out_the_planted_sectors(returns, days, config):
    """Six planted groups are the sectors: of their pairs few stay joined once the sector is taken out."""
    with_it = build_edges(returns, days, config)["is_same_sector"].sum()
    without = build_edges(returns, days, replace(config, residual="sector"))["is_same_sector"].sum()
    assert without < with_it / 3


@pytest.mark.parametrize("name", [*SETTINGS, "hubs"])
def test_no_setting_looks_ahead_or_depends_on_the_range(name, returns, sessions, days, config):
    chosen = replace(config, **SETTINGS.get(name, {"hubs": "sector"}))
    assert laws.truncation(returns, days[0], chosen) == []
    assert laws.chunks(returns, sessions[90:96], chosen) == []


@pytest.mark.parametrize(
    ("column", "setting"),
    [("mkt_ret_1d", {"residual": "topix"}), ("sector33_code", {"residual": "sector"})],
)
def test_a_setting_without_its_column_is_refused_by_name(column, setting, returns, days, config):
    with pytest.raises(SchemaError, match=column):
        build_edges(returns.drop(column), days, replace(config, **setting))


def test_features_without_a_week_of_returns_are_refused_by_name(returns, days, config):
    edges = build_edges(returns, days, config)
    with pytest.raises(SchemaError, match="ret_5d"):
        compute_node_features(edges, returns.drop("ret_5d"), days, config)


def hubs_by_hand(returns, day, config):
    """Stock to (hub, weight), one pandas series at a time, on returns."""
    rows = returns.filter(pl.col("session") <= day).to_pandas()
    wide = rows.pivot(index="session", columns="code", values="ret_1d").sort_index().astype(float).tail(config.window)
    weights = 0.5 ** (np.arange(len(wide))[::-1] / config.half_life)
    members = rows.pivot(index="session", columns="code", values="is_in_universe").reindex(wide.index) == True  # noqa: E712
    sector = returns.filter(pl.col("session") == day).select("code", "sector33_code").to_pandas().set_index("code")
    column = "mkt_ret_1d" if config.residual == "topix" else "xs_ret_1d"
    index = rows.groupby("session")[column].first().astype(float).reindex(wide.index)
    found = {}
    for code in members.columns[members.loc[pd.Timestamp(day)]]:
        hub = index
        if config.hubs == "sector":
            alike = [c for c in sector.index if sector.loc[c].equals(sector.loc[code]) and c != code]
            seen = wide[alike].where(members[alike])
            hub = seen.mean(axis=1).where(seen.notna().sum(axis=1) >= 2)
        both = (wide[code].notna() & hub.notna()).to_numpy()
        if (wide[code].notna() & index.notna()).sum() >= config.min_sessions and both.sum() >= config.min_common:
            cov = np.cov(wide[code][both], hub[both], aweights=weights[both], ddof=0)
            name = f"sector33:{sector.loc[code, 'sector33_code']}" if config.hubs == "sector" else None
            found[code] = (name, config.shrink * cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]))
    return found


@pytest.mark.parametrize(
    ("residual", "hubs", "name"),
    [("market", "index", "index:market"), ("topix", "index", "index:topix"), ("market", "sector", None)],
)
def test_hubs_are_joined_to_every_stock_by_the_correlation_of_returns(
    residual, hubs, name, returns, days, sessions, config
):
    chosen = replace(config, residual=residual, hubs=hubs)
    edges = hub_edges(returns, days, chosen)
    for day in days:
        got = {row[1]: row[2:] for row in edges.filter(pl.col("session") == day).iter_rows()}
        want = hubs_by_hand(returns, day, chosen)
        assert got.keys() == want.keys() and len(got) > 20
        for code, (hub, edge_type, weight) in got.items():
            assert (hub, edge_type) == (name or want[code][0], "hub")
            assert weight == pytest.approx(want[code][1], abs=1e-6)
    assert edges.equals(hub_edges(returns.sample(fraction=1, shuffle=True, seed=3), days[::-1], chosen, threads=2))
    past = returns.filter(pl.col("session") <= days[0])
    assert edges.filter(pl.col("session") == days[0]).equals(hub_edges(past, [days[0]], chosen))


def test_the_typed_list_holds_what_the_settings_ask_for(returns, days, config):
    edges = build_edges(returns, days, config)
    kinds = {}
    for hubs, sector in (("none", False), ("none", True), ("index", False), ("sector", True)):
        chosen = replace(config, hubs=hubs, sector_edges=sector)
        typed = typed_edges(edges, returns, days, chosen)
        assert typed.equals(typed.sort("session", "code_i", "code_j", "edge_type"))
        assert typed.select("session", "code_i", "code_j", "edge_type").is_duplicated().sum() == 0
        kinds[hubs, sector] = dict(typed["edge_type"].value_counts().iter_rows())
    assert kinds["none", False] == {"correlation": edges.height}
    assert kinds["none", True].keys() == {"correlation", "sector"}
    assert kinds["index", False].keys() == {"correlation", "hub"}
    assert kinds["sector", True].keys() == {"correlation", "sector", "hub"}


def test_hubs_and_sector_edges_are_in_no_stored_edge_and_no_feature(returns, days, config):
    chosen = replace(config, hubs="sector", sector_edges=True)
    edges = build_edges(returns, days, config)
    assert edges.equals(build_edges(returns, days, chosen))
    one, other = (compute_node_features(edges, returns, days, settings) for settings in (config, chosen))
    assert one.equals(other, null_equal=True)
    hubs = set(hub_edges(returns, days, chosen)["code_j"])
    assert hubs and hubs.isdisjoint(returns["code"]) and all(":" in hub for hub in hubs)
