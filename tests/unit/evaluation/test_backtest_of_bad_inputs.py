"""What cannot be traded is refused by name, or has an outcome that is written down."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import ConfigError, DataError, EvaluationError
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, CostConfig
from gogoku_pipeline.evaluation.backtest.market import market_grid
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from tests.unit.evaluation.small_exchange import DAYS, FREE, bar, frames, scored

CODES = [f"{place}0000" for place in range(1, 6)]
WEEK = DAYS[:6]
CONFIG = replace(FREE, enter=1, leave=2, min_names=3, horizon_d=5)


def quiet(days=WEEK, codes=CODES):
    return frames([bar(day, code, 1000) for day in days for code in codes])


def ranks(**changed):
    return {code: float(place) for place, code in enumerate(CODES)} | changed


def test_nan_and_null_scores_are_no_opinion():
    given = scored({WEEK[1]: ranks(**{CODES[4]: float("nan"), CODES[3]: None})})
    found = run_backtest(given, quiet(), CONFIG)
    assert found.trades["code"].to_list() == [CODES[2]]
    assert found.notes["scores_missing"] == 2


def test_scores_of_unlisted_issues_are_left_out_and_counted():
    late = frames([bar(day, code, 1000) for day in WEEK for code in CODES if code != CODES[4] or day > WEEK[3]])
    found = run_backtest(scored({WEEK[1]: ranks(**{"77770": 9.0})}), late, CONFIG)
    assert found.trades["code"].to_list() == [CODES[3]]
    assert found.notes["scores_of_unlisted_issues"] == 2


def test_scores_outside_the_universe_are_left_out_and_counted():
    members = pl.DataFrame(
        [(day, code, code != CODES[4]) for day in WEEK for code in CODES],
        schema={"session": pl.Date, "code": pl.String, "is_tradable": pl.Boolean},
        orient="row",
    )
    found = run_backtest(scored({WEEK[1]: ranks()}), replace(quiet(), universe=members), CONFIG)
    assert found.trades["code"].to_list() == [CODES[3]]
    assert found.notes["scores_outside_the_universe"] == 1


def test_a_session_with_three_names_decides_only_if_three_are_enough():
    few = {WEEK[1]: ranks(), WEEK[2]: {CODES[0]: 3.0, CODES[1]: 2.0, CODES[2]: 1.0}}
    kept = run_backtest(scored(few), quiet(), replace(CONFIG, min_names=4))
    assert kept.trades["code"].to_list() == [CODES[4]]
    assert kept.notes["decisions_that_rank_nobody"] == 1
    moved = run_backtest(scored(few), quiet(), CONFIG)
    assert moved.trades.sort("session", "shares")["code"].to_list() == [CODES[4], CODES[4], CODES[0]]


def test_equal_scores_decide_nothing():
    found = run_backtest(scored({WEEK[1]: ranks(), WEEK[2]: dict.fromkeys(CODES, 1.0)}), quiet(), CONFIG)
    assert found.trades["code"].to_list() == [CODES[4]]
    assert found.notes["decisions_that_rank_nobody"] == 1


def test_a_deciding_session_without_scores_leaves_everything_as_it_is():
    found = run_backtest(scored({WEEK[1]: ranks(), WEEK[3]: ranks()}), quiet(), CONFIG)
    assert found.trades.height == 1
    assert found.notes["decisions_without_scores"] == 1


def test_ties_are_broken_by_code():
    found = run_backtest(scored({WEEK[1]: ranks(**{CODES[3]: 4.0})}), quiet(), CONFIG)
    assert found.trades["code"].to_list() == [CODES[3]]


def refused(given, market=None, config=CONFIG):
    with pytest.raises((EvaluationError, DataError)) as caught:
        run_backtest(given, market or quiet(), config)
    assert caught.value.got and caught.value.want and caught.value.remedy
    return caught.value


def test_two_scores_for_one_key_are_refused():
    twice = pl.concat([scored({WEEK[1]: ranks()})] * 2)
    assert "5 scores" in refused(twice).got


def test_infinite_scores_are_refused():
    assert refused(scored({WEEK[1]: ranks(**{CODES[0]: float("inf")})})).got == "infinite scores"


def test_another_horizon_is_refused():
    given = scored({WEEK[1]: ranks()}).with_columns(pl.lit(20, dtype=pl.Int16).alias("horizon_d"))
    problem = refused(given)
    assert (problem.got, problem.want) == ("horizons [20]", "scores of horizon 5")


def test_two_models_at_once_are_refused():
    given = scored({WEEK[1]: ranks()})
    both = pl.concat([given.with_columns(pl.lit(name).alias("model")) for name in ("one", "two")])
    assert "models" in refused(both).got


def test_several_seeds_trade_as_the_mean_of_their_ranks():
    given = scored({WEEK[1]: ranks()})
    seeds = [given.with_columns(pl.lit("m").alias("model"), pl.lit(seed).alias("seed"), pl.col("score") * (seed + 1))
             for seed in range(3)]  # fmt: skip
    found = run_backtest(pl.concat(seeds), quiet(), CONFIG)
    assert found.trades["code"].to_list() == [CODES[4]]


def test_no_scores_at_all_are_refused():
    assert refused(scored({})).want == "scores of horizon 5"


def test_scores_on_sessions_without_bars_are_refused():
    assert "sessions without bars" in refused(scored({DAYS[20]: ranks()})).got


def test_scores_on_the_last_bar_only_are_refused():
    assert "none that ranks" in refused(scored({WEEK[-1]: ranks()})).got


def test_a_backtest_without_a_trade_fails():
    closed = frames([bar(day, code, 1000 if day <= WEEK[1] else None) for day in WEEK for code in CODES])
    problem = refused(scored({WEEK[1]: ranks()}), closed)
    assert problem.got.startswith("no trade in 5 sessions; 4 orders refused for no_trade")


def test_capital_below_one_lot_fails_and_says_so():
    problem = refused(scored({WEEK[1]: ranks()}), config=replace(CONFIG, capital_jpy=50_000))
    assert "'names_one_lot_too_dear': 1" in problem.got


def test_two_bars_for_one_key_are_refused():
    market = quiet()
    assert (
        "1 rows"
        in refused(scored({WEEK[1]: ranks()}), replace(market, bars=pl.concat([market.bars, market.bars[:1]]))).got
    )


def test_a_session_without_bars_is_refused():
    market = quiet([day for day in WEEK if day != WEEK[3]])
    assert "1 sessions without any row" in refused(scored({WEEK[1]: ranks()}), market).got


def test_columns_that_are_not_there_are_named():
    market = quiet()
    assert (
        "volume_shares"
        in refused(scored({WEEK[1]: ranks()}), replace(market, bars=market.bars.drop("volume_shares"))).want
    )


def test_an_impossible_adjustment_factor_is_refused():
    market = quiet()
    zero = market.bars.with_columns(
        pl.when(pl.col("session") == WEEK[3]).then(0.0).otherwise(1.0).alias("adjustment_factor")
    )
    assert refused(scored({WEEK[1]: ranks()}), replace(market, bars=zero)).thing == "adjustment factor"


def test_arrays_made_for_another_window_are_refused():
    with pytest.raises(ConfigError, match="average volumes over 7 sessions"):
        run_backtest(scored({WEEK[1]: ranks()}), market_grid(quiet(), volume_window=7), CONFIG)


def test_losing_everything_stops_the_run():
    """Short nine times the equity in an issue that rises a tenth a session."""
    days = DAYS[:8]
    rows = [bar(day, code, 1000) for day in days for code in CODES[1:]]
    rows += [bar(day, CODES[0], round(1000 * 1.1**place)) for place, day in enumerate(days)]
    config = replace(CONFIG, side="long_short", gross_short=9.0)
    problem = refused(scored({day: ranks() for day in days[:-1]}), frames(rows), config)
    assert problem.thing.startswith("equity of the backtest on 2023-05-")
    assert problem.got.startswith("-")


def test_without_an_index_or_notices_the_accounts_go_on_and_say_so():
    market = replace(quiet(), dividends=None)
    found = run_backtest(scored({WEEK[1]: ranks()}), market, CONFIG)
    assert found.notes["has_dividends"] == 0
    assert found.daily["topix_ret"].is_null().all()


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"side": "short_only"}, "side"),
        ({"rebalance": "hourly"}, "rebalance"),
        ({"enter": 10, "leave": 5}, "enter <= leave"),
        ({"enter": 0.1, "leave": 20}, "counts or both as shares"),
        ({"enter": 2.5, "leave": 4}, "whole number"),
        ({"side": "long_short", "enter": 0.6, "leave": 0.7}, "overlap"),
        ({"capital_jpy": 0.0}, "money"),
        ({"gross_long": 1.5}, "without borrowing"),
        ({"participation": 0.0}, "participation"),
        ({"lot_shares": 0}, "whole numbers"),
        ({"drift_band": -0.1}, "drift_band"),
    ],
)
def test_a_strategy_that_means_nothing_is_refused_by_name(change, want):
    with pytest.raises(ConfigError) as caught:
        replace(BacktestConfig(), **change)
    assert want in caught.value.want


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"commission_rates": (0.1,)}, "one commission rate more"),
        ({"commission_bounds_jpy": (1e7, 1e6, 1e8)}, "ascending"),
        ({"commission_rates": (0.1, 0.1, 0.1, -0.1)}, "commission rates"),
        ({"impact": -1.0}, "costs of 0"),
        ({"dividend_tax": 1.2}, "dividend shares"),
    ],
)
def test_costs_that_mean_nothing_are_refused_by_name(change, want):
    with pytest.raises(ConfigError) as caught:
        replace(CostConfig(), **change)
    assert want in caught.value.want


def test_a_grid_without_any_history_of_volume_trades_nothing():
    market = quiet(WEEK[:3])
    assert np.isnan(market_grid(market).volume[0]).all()
    assert market_grid(market).volume[1].tolist() == [1e6] * 5
