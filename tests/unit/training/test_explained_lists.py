"""What is written down of an evening: three stocks, every contestant's importance, and in words what could not be."""

from datetime import datetime, time

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.registry.explanation_tables import EXPLAINED, IMPORTANCE
from gogoku_pipeline.registry.explanations import explain_list, feature_values, three_of
from gogoku_pipeline.registry.learning_curves import kept_curves, last_decisions
from gogoku_pipeline.registry.serve import serve_sessions
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.registry.versions import newest_version
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.importance import ImportanceConfig
from gogoku_pipeline.training.recipe_ladder import LadderRecipe

WHO = CommitInfo("run-1", "test")
FEW = ImportanceConfig(days=3, most_features=4)


def evening(session):
    return datetime.combine(session, time(19), JST)


@pytest.fixture(scope="module")
def place(tmp_path_factory, data, boosted, panel, market):
    """A list by LightGBM, and a ridge that lost the contest."""
    store = open_store(f"file://{tmp_path_factory.mktemp('house')}/store")
    cutoff, session = market.sessions[140], market.sessions[141]
    train_version(boosted, data, cutoff, (1, 2), store, validation=15)
    train_version(LadderRecipe("ridge"), data, cutoff, (1,), store, validation=15)
    made = serve_sessions(store, panel, [session], Terms(), available_at=evening)
    store.tables.write_sessions(PREDICTIONS, made.lists, [session], commit=WHO)
    held = {name: pl.Series([value]) for name, value in (("session", cutoff), ("challenger", "ridge"))}
    row = {column.name: [None] for column in GATE.columns} | {"criterion": ["random"], "baseline": ["lightgbm"]}
    filled = {"decision": "reject", "words": "no", "on_failure": "reject", "place": 0, "reasons": "[]",
              "paired_days": 1, "is_suspect": False, "config_hash": "c", "available_at": evening(cutoff)}  # fmt: skip
    frame = pl.DataFrame(row | {name: [value] for name, value in filled.items()}).with_columns(**held)
    schema = GATE.polars_schema
    store.tables.write_sessions(GATE, frame.select(schema.names()).cast(schema), [cutoff], commit=WHO)
    return store


@pytest.fixture(scope="module")
def values(place, market):
    """Two features of four stocks, one of which is outside the universe."""
    session, codes = market.sessions[141], list(market.codes[:4])
    table = family_table("feat__prices", registry())
    known = {"ret_1d": [0.1, 0.3, 0.3, 9.0], "ret_5d": [0.5, 0.5, 0.5, 0.5], "vol_20d": [None, 0.2, 0.4, 9.0]}
    columns = [
        pl.Series(column.name, known.get(column.name, [None] * 4), dtype=column.dtype) for column in table.columns[2:-1]
    ]
    at = pl.lit(evening(session), dtype=table.column("available_at").dtype).alias("available_at")
    frame = pl.DataFrame({"session": [session] * 4, "code": codes, **{c.name: c for c in columns}}).with_columns(at)
    place.tables.write_sessions(table, frame.select(table.polars_schema.names()), [session], commit=WHO)
    blank = {column.name: pl.Series([None] * 4, dtype=column.dtype) for column in UNIVERSE.columns}
    told = {"session": [session] * 4, "code": codes, "is_in_universe": [True, True, True, False],
            "is_tradable": [True, True, True, False], "listed_sessions": [99] * 4, "market_code": ["0111"] * 4,
            "sector17_code": ["1"] * 4, "sector33_code": ["0050"] * 4,
            "available_at": [evening(session)] * 4}  # fmt: skip
    rows = pl.DataFrame(blank | told).select(UNIVERSE.polars_schema.names()).cast(UNIVERSE.polars_schema)
    place.tables.write_sessions(UNIVERSE, rows, [session], commit=WHO)
    return feature_values(place, session, ["ret_1d", "ret_5d", "vol_20d"], registry())


@pytest.fixture(scope="module")
def explained(place, data, market, values):
    session = market.sessions[141]
    return explain_list(place, data, session, registry(), FEW, horizon_d=5, available_at=evening(session))


def test_three_stocks_are_explained_with_their_places_and_values(explained, place, market):
    listed = place.tables.scan(PREDICTIONS).collect().sort("rank")
    rows = explained.rows
    assert sorted(rows["rank"].unique()) == [1, 20, 40] and set(rows["listed"]) == {40}
    assert set(rows["code"]) == {listed["code"][0], listed["code"][19], listed["code"][39]}
    assert set(rows["model_version"]) == set(listed["model_version"])
    for part in rows.partition_by("code"):
        assert part.filter(part="feature").height == 8
        assert part["contribution"].is_finite().all()
    stored = {code: value for code, value in zip(market.codes[:4], (0.1, 0.3, 0.3, 9.0), strict=True)}
    ret = rows.filter(name="ret_1d").join(pl.DataFrame({"code": list(stored), "was": list(stored.values())}), on="code")
    assert ret["value"].to_list() == pytest.approx(ret["was"].to_list())


def test_every_model_of_the_contest_is_measured_the_server_feature_by_feature(explained):
    held = explained.importance.group_by("model", "kind").len().sort("model", "kind").rows()
    assert held == [("lightgbm", "feature", 4), ("lightgbm", "group", 5), ("ridge", "group", 5)]
    assert explained.problems == ()
    assert set(explained.importance["sample"]) == {"validation"} and set(explained.importance["days"]) == {3}


def test_what_is_explained_is_stored_as_declared_and_again_the_same(explained, place, data, market):
    session = market.sessions[141]
    for table, rows in ((EXPLAINED, explained.rows), (IMPORTANCE, explained.importance)):
        place.tables.write_sessions(table, rows, [session], commit=WHO)
        kept = place.tables.scan(table).collect()
        assert kept.height == rows.height and kept.select(table.key).is_unique().all()
    again = explain_list(place, data, session, registry(), FEW, horizon_d=5, available_at=evening(session))
    assert again.rows.equals(explained.rows) and again.importance.equals(explained.importance)


def test_percentiles_are_of_the_universe_and_equal_values_share_one(values):
    found = {(row["code"], row["name"]): row["percentile"] for row in values.iter_rows(named=True)}
    codes = sorted({code for code, _ in found})
    assert len(codes) == 3, "who is outside the universe is compared with nobody"
    assert [found[code, "ret_1d"] for code in codes] == pytest.approx([0.5 / 3, 2 / 3, 2 / 3])
    assert [found[code, "vol_20d"] for code in codes] == [None, 0.25, 0.75]
    assert [found[code, "ret_5d"] for code in codes] == [None] * 3, "the same for all has no place"


def test_a_list_that_cannot_be_explained_is_told_in_words(tmp_path, place, data, market):
    session = market.sessions[141]
    listed = place.tables.scan(PREDICTIONS).collect()
    bare = open_store(f"file://{tmp_path}/store")
    bare.tables.write_sessions(PREDICTIONS, listed, [session], commit=WHO)
    found = explain_list(bare, data, session, registry(), FEW, horizon_d=5, available_at=evening(session))
    assert found.rows.is_empty() and found.importance.is_empty()
    assert found.problems == (f"artefact lightgbm {listed['model_version'][0]}: no manifest",)
    with pytest.raises(PartitionMissingError, match="none stored"):
        explain_list(bare, data, market.sessions[9], registry(), FEW, horizon_d=5, available_at=evening(session))


def test_outcomes_known_after_the_evening_are_not_looked_at(place, data, market):
    session, early = market.sessions[141], market.sessions[3]
    listed = place.tables.scan(PREDICTIONS).collect().with_columns(pl.lit(early).alias("session"))
    place.tables.write_sessions(PREDICTIONS, listed, [early], commit=WHO)
    found = explain_list(place, data, early, registry(), FEW, horizon_d=5, available_at=evening(session))
    assert found.importance.is_empty() and "0 sessions with known outcomes" in found.problems[0]


@pytest.mark.parametrize(("count", "ranks"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (156, [1, 78, 156])])
def test_first_median_and_last(count, ranks):
    listed = pl.DataFrame({"rank": range(1, count + 1), "code": [str(place) for place in range(1, count + 1)]})
    assert three_of(listed) == [str(rank) for rank in ranks]


def test_a_version_keeps_its_learning_curves(place, market):
    version = newest_version(place, "lightgbm", market.sessions[-1])
    curves = kept_curves(place, "lightgbm", version)
    assert sorted(curves) == [1, 2] and all("validation_rank_ic" in row for row in curves[1])
    ends = last_decisions(place.artefacts.load("lightgbm", version))
    assert [(row["seed"], row["reason"]) for row in ends] == [(1, "fitted in one go"), (2, "fitted in one go")]
    assert newest_version(place, "lightgbm", market.sessions[139]) is None
    assert newest_version(place, "nobody", market.sessions[-1]) is None
