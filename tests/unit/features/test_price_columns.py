"""Which columns of staged prices a set of features asks for, and what each price leaf reads."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.features.axes import build_axis
from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import COLUMN_OF_PRICE, PRICE_INPUTS, Expr, F, P
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, STAGED_SCHEMA

DERIVED = {"listed", "open_session", "traded_value"}


def registry_of_mornings() -> Registry:
    registry = Registry("mornings")

    @per_stock(
        "am_move", group="returns", unit="ratio", sources=("bars.MC",), needs=("am_close[t]",), registry=registry
    )
    def am_move() -> Expr:
        """Move of the morning: MC / MO - 1."""
        return P.am_close / P.am_open - 1

    @per_stock(
        "am_move_basis", group="returns", unit="ratio", sources=("@am_move",), needs=("factor[t]",), registry=registry
    )
    def am_move_basis() -> Expr:
        """The same on the basis of the first session: am_move / Fv."""
        return F("am_move") / P.volume_factor

    @per_stock("day_move", group="returns", unit="ratio", sources=("bars.C",), needs=("open[t]",), registry=registry)
    def day_move() -> Expr:
        """Move of the session: C / O - 1."""
        return P.close / P.open - 1

    return registry.freeze()


def staged(**columns: float) -> pl.DataFrame:
    row = {name: None for name in STAGED_SCHEMA} | {"session": date(2024, 1, 4), "code": "10000", "is_gap": False}
    extra = dict.fromkeys(columns, pl.Float64())
    return pl.DataFrame([row | columns], schema={**STAGED_SCHEMA, **extra})


def axis_of(prices: pl.DataFrame):
    universe = {"is_in_universe": pl.Boolean, "sector33_code": pl.String, "sector17_code": pl.String}
    keys = {"session": pl.Date, "code": pl.String}
    topix = pl.DataFrame(schema={"session": pl.Date, "close_points": pl.Float64, "is_market_halt": pl.Boolean})
    return build_axis(FeatureInputs(prices, pl.DataFrame(schema=keys | universe), topix))


def test_only_the_columns_of_the_formula_and_of_what_it_is_made_of_are_asked_for():
    registry = registry_of_mornings()
    assert price_columns(["day_move"], registry) == ()
    assert price_columns(["am_move"], registry) == ("am_open_jpy", "am_close_jpy")
    assert price_columns(["am_move_basis", "day_move"], registry) == ("volume_factor", "am_open_jpy", "am_close_jpy")


def test_states_bring_shares_to_one_basis_and_flags_ask_for_what_they_need_too():
    assert price_columns(["ssp_sum"]) == ("volume_factor",)
    assert price_columns(["am_limit_flag"]) == ("am_close_jpy", "am_limit_up", "am_limit_down")
    assert price_columns(["bd_mkt_margin_new_net", "ret_1d"]) == ("volume_factor",)


def test_every_price_leaf_reads_a_staged_column_or_is_derived_from_one():
    columns = {COLUMN_OF_PRICE.get(name, name) for name in PRICE_INPUTS if name not in DERIVED}
    assert columns <= set(STAGED_SCHEMA) | set(EXTRA_COLUMNS)
    assert set(EXTRA_COLUMNS) <= columns


@pytest.mark.parametrize("name", sorted(set(PRICE_INPUTS) - DERIVED))
def test_a_price_leaf_is_the_column_it_is_named_after(name):
    column = COLUMN_OF_PRICE.get(name, name)
    assert axis_of(staged(**{column: 7.0})).price(name).tolist() == [7.0]


def test_a_leaf_whose_column_was_not_staged_says_what_to_stage():
    with pytest.raises(DataError, match="price_columns"):
        axis_of(staged()).price("am_open")
