"""The panel holds the deployment's feature set and is stamped with its hash; another set is another panel."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from assets.dataset import house_panel
from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.graph.catalogue import catalogue, feature_set
from gogoku_pipeline.schema import daily_bars, listed_issues
from gogoku_pipeline.store import open_store
from resources.compute import Compute
from tests.unit.dataset import stored_market as market


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployed")
    store = open_store(f"file://{folder / 'data'}")
    market.fill(store, plan="Light")
    bars = market.bar_rows()
    store.tables.write_sessions(daily_bars.TABLE, bars, bars["session"].unique(), commit=market.COMMIT)
    table = listed_issues.MASTER
    known = {"code": list(market.CODES), "stock_id": [0, 1, 2], "valid_from_date": [date(2024, 1, 4)] * 3}
    master = pl.DataFrame(known)
    filler = {pl.String: "x", pl.Date: date(2024, 1, 4), pl.Boolean: False}
    rest = [
        pl.lit(filler.get(c.dtype, None if c.nullable else 0)).cast(c.dtype).alias(c.name)
        for c in table.columns
        if c.name not in known
    ]
    whole = master.with_columns(rest).select(table.polars_schema.names()).cast(dict(table.polars_schema))
    store.tables.write_whole(table, whole, commit=market.COMMIT)
    return store, Compute(
        cache_dir=folder / "cache", first_session=market.SESSIONS[0], plan="Light", challengers=("apex_ranker",)
    )


@pytest.mark.parametrize("name", ["", "core", "short_term", "free"])
def test_a_panel_has_the_sets_features_in_its_order_and_its_hash(deployed, name):
    store, compute = deployed
    panel = house_panel(store, replace(compute, feature_set=name))
    assert panel.names == feature_set(name or "light", "Light")
    assert panel.catalogue_hash == catalogue(plan="Light", set_name=name).hash
    assert panel.sessions == tuple(market.SESSIONS)


def test_the_outside_set_is_computed_from_bars(deployed):
    store, compute = deployed
    panel = house_panel(store, replace(compute, feature_set="alpha158"))
    assert len(panel.names) == 158
    assert set(panel.table_versions) == {"core_jquants__daily_bars", "core__universe"}


def test_sets_do_not_share_a_panel(deployed):
    store, compute = deployed
    keys = {
        house_panel(store, replace(compute, feature_set=name)).key for name in ("light", "core", "free", "alpha158")
    }
    assert len(keys) == 4


def test_a_set_above_the_plan_is_refused(deployed):
    store, compute = deployed
    with pytest.raises(FeatureError, match="Light plan"):
        house_panel(store, replace(compute, feature_set="premium"))
