"""Graphs and raw channels beside a panel: on its places, once, and refused where they cannot be meant."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.companions import with_edges, with_raw
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.graph.correlation import EDGES
from tests.unit.dataset.planted import planted_market

MARKET = planted_market(n_stocks=12, n_sessions=60, n_features=8)
FIRST, SECOND, THIRD = MARKET.sessions[10], MARKET.sessions[55], MARKET.sessions[20]


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    normaliser = Normaliser(MARKET.catalogue)
    return build_panel(
        MARKET.features, MARKET.universe, MARKET.catalogue, normaliser, tmp_path_factory.mktemp("panel"), {"feat": 1}
    )


def edges(*rows):
    """(session, i, j, weight) as stored rows; sector and delta unknown on every second one."""
    columns = [
        {
            "session": session,
            "code_i": MARKET.codes[i],
            "code_j": MARKET.codes[j],
            "weight": weight,
            "is_same_sector": None if place % 2 else True,
            "is_same_market": True,
            "weight_delta_20d": None if place % 2 else 0.25,
        }
        for place, (session, i, j, weight) in enumerate(rows)
    ]
    wanted = {name: kind for name, kind in EDGES.polars_schema.items() if name != "available_at"}
    return pl.DataFrame(columns, schema=wanted)


DRAWN = (FIRST, THIRD, SECOND)
ROWS = edges((SECOND, 2, 3, -0.5), (FIRST, 0, 4, 0.75), (FIRST, 1, 2, 0.5), (FIRST, 2, 7, 0.375))


@pytest.fixture(scope="module")
def held(panel):
    return with_edges(panel, ROWS.lazy(), DRAWN, 3)


def test_a_sessions_graph_is_told_among_the_stocks_asked_for_in_both_directions(held):
    found = held.edges.among(FIRST, np.array([0, 2, 4, 7]))
    assert found.session == FIRST
    pairs = dict(zip(map(tuple, found.index.T.tolist()), found.attributes.tolist(), strict=True))
    strong, unknown = [0.75, 0.0, 1.0, 0.0], [0.375, 0.0, 1.0, 0.0]
    assert pairs == {(0, 2): strong, (2, 0): strong, (1, 3): unknown, (3, 1): unknown}
    assert held.edges.among(SECOND, np.arange(12)).attributes[0].tolist() == [-0.5, 1.0, 1.0, 0.25]


def test_a_drawn_session_without_a_pair_is_an_empty_graph_and_any_other_is_refused(held):
    found = held.edges.among(THIRD, np.arange(12))
    assert found.index.shape == (2, 0) and found.attributes.shape == (0, 4)
    for session in (MARKET.sessions[11], date(1999, 1, 4)):
        with pytest.raises(DatasetError, match="never drawn.*switch the graph off"):
            held.edges.among(session, np.arange(12))


def test_a_panel_with_companions_is_the_same_panel_with_another_content(panel, held):
    assert held.key == panel.key and held.path == panel.path
    assert panel.content_key == panel.key != held.content_key
    assert held.table_versions == {"feat": 1, EDGES.name: 3}
    newer = with_edges(panel, ROWS.lazy(), DRAWN, 4)
    assert newer.content_key != held.content_key
    assert with_edges(panel, edges().lazy(), DRAWN, 3).edges.pairs.shape == held.edges.pairs.shape, (
        "read from the cache"
    )


def test_a_graph_without_any_pair_is_a_graph(panel):
    found = with_edges(panel, edges().lazy(), DRAWN, 9).edges
    assert found.among(FIRST, np.arange(12)).index.shape == (2, 0)


@pytest.mark.parametrize("rows", [[(FIRST, 0, 1, 0.5), (FIRST, 0, 1, 0.5)], [(FIRST, 1, 0, 0.5)], [(FIRST, 3, 3, 0.5)]])
def test_a_pair_twice_or_turned_or_with_itself_is_refused_and_leaves_nothing(panel, rows):
    before = sorted(panel.path.parent.iterdir())
    with pytest.raises(DatasetError, match="pair twice"):
        with_edges(panel, edges(*rows).lazy(), DRAWN, 7)
    assert sorted(panel.path.parent.iterdir()) == before


def test_pairs_with_stocks_the_panel_does_not_hold_are_left_out(panel):
    stranger = edges((FIRST, 0, 4, 0.75)).with_columns(pl.lit("99990").alias("code_j"))
    assert with_edges(panel, pl.concat([stranger, ROWS]).lazy(), DRAWN, 11).edges.pairs.shape == (4, 2)


def test_raw_channels_are_the_features_as_they_are(panel):
    whole = MARKET.features
    held = with_raw(
        panel,
        [whole.drop("vol_20d").lazy(), whole.select("session", "code", "vol_20d").lazy()],
        ("vol_20d", "ret_1d"),
        {"feat__returns": 2},
    )
    stocks, row = np.array([1, 5]), panel.index(SECOND)
    found = held.raw.window(row, 4, stocks, ("ret_1d",))
    assert found.shape == (2, 4, 1)
    for place, stock in enumerate(stocks):
        mine = whole.filter((pl.col("code") == MARKET.codes[stock]) & (pl.col("session") <= SECOND))["ret_1d"].tail(4)
        np.testing.assert_array_equal(found[place, :, 0], mine.fill_null(0.0).to_numpy())
    assert held.table_versions["feat__returns"] == 2 and held.content_key != panel.content_key
    with pytest.raises(DatasetError, match=r"raw channels \['ret_5d'\]"):
        held.raw.window(row, 4, stocks, ("ret_5d",))


def test_raw_channels_nobody_holds_or_that_were_normalised_are_refused(panel):
    lazy = MARKET.features.lazy()
    with pytest.raises(DatasetError, match="weather.*0 frames"):
        with_raw(panel, [lazy], ("weather",), {})
    with pytest.raises(DatasetError, match="ret_1d.*2 frames"):
        with_raw(panel, [lazy, lazy], ("ret_1d",), {})
    normalised = Normaliser(MARKET.catalogue).transform(MARKET.features, MARKET.universe)
    with pytest.raises(DatasetError, match="normalised frame"):
        with_raw(panel, [normalised.frame.lazy()], ("ret_1d",), {})
