"""Laws of the backtest over markets made by chance: accounts add up, nothing looks ahead, order carries no meaning."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.backtest.accounts import require_balanced
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, CostConfig
from gogoku_pipeline.evaluation.backtest.market import MarketFrames
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from tests.unit.evaluation.small_exchange import DAYS, bar, made_by_chance, scored

DAILY = BacktestConfig(capital_jpy=5e6, enter=3, leave=5, min_names=3, rebalance="daily", horizon_d=5)
BOTH = replace(DAILY, side="long_short", enter=0.3, leave=0.4)

strategies = st.builds(
    lambda side, enter, band, rebalance, share, drift, cash, lot: replace(
        DAILY, side=side, enter=enter, leave=enter + band, rebalance=rebalance, participation=share, drift_band=drift,
        capital_jpy=cash, lot_shares=lot,
    ),
    st.sampled_from(["long_only", "long_short"]),
    st.integers(1, 4),
    st.integers(0, 4),
    st.sampled_from(["daily", "weekly"]),
    st.sampled_from([0.05, 0.3, 1.0]),
    st.sampled_from([0.0, 0.25]),
    st.sampled_from([2e6, 3e7]),
    st.sampled_from([1, 100]),
)  # fmt: skip


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(100, 10_000), config=strategies)
def test_the_accounts_add_up_on_every_session_of_any_market(seed, config):
    market, scores = made_by_chance(seed)
    try:
        found = run_backtest(scored(scores), market, config)
    except EvaluationError as problem:
        assert problem.got.startswith("no trade")
        return
    daily = found.daily
    spent = pl.sum_horizontal("commission_jpy", "spread_jpy", "impact_jpy", "borrow_jpy")
    moved = daily.select(
        pl.col("equity_jpy").diff() - (pl.col("price_pnl_jpy") + pl.col("dividends_jpy") - spent)
    ).to_series()
    assert moved.drop_nulls().abs().max() < 0.01
    held = found.holdings.group_by("session").agg((pl.col("shares") * pl.col("mark_jpy")).sum().alias("value"))
    worth = daily.join(held, on="session", how="left").with_columns(pl.col("value").fill_null(0.0))
    assert worth.select((pl.col("cash_jpy") + pl.col("value") - pl.col("equity_jpy")).abs().max()).item() < 0.01
    if config.side == "long_only":
        assert daily["cash_jpy"].min() >= -0.01
        assert found.holdings["shares"].min() is None or found.holdings["shares"].min() > 0


@pytest.mark.parametrize("config", [DAILY, BOTH], ids=["long_only", "long_short"])
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_no_fill_breaks_a_rule_of_the_exchange(seed, config):
    market, scores = made_by_chance(seed)
    found = run_backtest(scored(scores), market, config)
    fills = found.trades.filter(kind="fill").join(market.bars, on=["session", "code"], how="left")
    assert fills["open_jpy"].is_not_null().all() and (fills["volume_shares"] > 0).all()
    assert (fills["price_jpy"] == fills["open_jpy"]).all()
    bought, sold = fills.filter(pl.col("shares") > 0), fills.filter(pl.col("shares") < 0)
    assert not (bought["is_limit_up"] & (bought["open_jpy"] == bought["high_jpy"])).any()
    assert not (sold["is_limit_down"] & (sold["open_jpy"] == sold["low_jpy"])).any()


def test_only_loan_eligible_names_are_ever_short():
    market, scores = made_by_chance(24)
    loanable = ["13000", "13020", "13040", "13060"]
    listed = market.listed.with_columns(
        pl.when(pl.col("code").is_in(loanable)).then(pl.lit("2")).otherwise(pl.lit("1")).alias("margin_class")
    )
    found = run_backtest(scored(scores), replace(market, listed=listed), BOTH)
    short = set(found.holdings.filter(pl.col("shares") < 0)["code"])
    assert short and short <= set(loanable)


@pytest.mark.parametrize("seed", [31, 32])
def test_nothing_that_comes_later_changes_what_was_traded(seed):
    market, scores = made_by_chance(seed)
    whole = run_backtest(scored(scores), market, replace(BOTH, horizon_d=40))
    cut = DAYS[24]
    until = MarketFrames(
        *(frame.filter(pl.col("session") <= cut) for frame in (market.bars, market.listed, market.universe)),
        None,
        market.dividends,
    )
    early = {day: found for day, found in scores.items() if day <= cut}
    part = run_backtest(scored(early), until, replace(BOTH, horizon_d=40))
    assert_frame_equal(part.daily, whole.daily.filter(pl.col("session") <= cut), abs_tol=1e-6)
    assert_frame_equal(part.trades, whole.trades.filter(pl.col("session") <= cut))


def test_the_order_of_rows_and_any_increasing_change_of_scores_mean_nothing():
    market, scores = made_by_chance(41)
    plain = run_backtest(scored(scores), market, BOTH)
    mixed = MarketFrames(
        *(frame.sample(fraction=1.0, shuffle=True, seed=5) for frame in (market.bars, market.listed, market.universe)),
        None,
        market.dividends.sample(fraction=1.0, shuffle=True, seed=6),
    )
    other = scored(scores).sample(fraction=1.0, shuffle=True, seed=7).with_columns(pl.col("score").exp() * 3 - 1)
    again = run_backtest(other, mixed, BOTH)
    assert_frame_equal(again.daily, plain.daily)
    assert_frame_equal(again.trades, plain.trades)


def test_an_issue_nobody_scores_changes_nothing():
    market, scores = made_by_chance(42)
    plain = run_backtest(scored(scores), market, BOTH)
    more = pl.concat(
        [
            market.bars,
            pl.DataFrame([bar(day, "99990", 700) for day in DAYS[:36]], schema=market.bars.schema, orient="row"),
        ]
    )
    again = run_backtest(scored(scores), replace(market, bars=more), BOTH)
    assert_frame_equal(again.trades, plain.trades)


def test_dearer_trading_never_leaves_more_money_with_the_same_fills():
    market, scores = made_by_chance(43)
    cheap = run_backtest(scored(scores), market, replace(BOTH, costs=CostConfig(impact=0.0)))
    dear = run_backtest(scored(scores), market, replace(BOTH, costs=CostConfig(impact=0.5)))
    first = cheap.trades["session"].min()
    same = [found.daily.filter(session=first)["equity_jpy"].item() for found in (cheap, dear)]
    assert same[1] < same[0]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("daily", "equity_jpy"), ("daily", "cash_jpy"), ("daily", "price_pnl_jpy"), ("daily", "dividends_jpy"),
        ("daily", "impact_jpy"), ("daily", "borrow_jpy"), ("daily", "converted_jpy"), ("trades", "price_jpy"),
        ("trades", "commission_jpy"), ("holdings", "mark_jpy"),
    ],
)  # fmt: skip
def test_one_yen_that_does_not_add_up_is_found(table, column):
    market, scores = made_by_chance(44)
    found = run_backtest(scored(scores), market, BOTH)
    books = {"daily": found.daily, "trades": found.trades, "holdings": found.holdings}
    require_balanced(**books)
    frame = books[table]
    is_row = pl.int_range(pl.len()) == frame.height // 2
    books[table] = frame.with_columns(
        pl.when(is_row).then(pl.col(column) + 1.0).otherwise(pl.col(column)).alias(column)
    )
    with pytest.raises(EvaluationError, match="accounts of 2023-") as caught:
        require_balanced(**books)
    assert "no figure of this run can be trusted" in caught.value.remedy


def test_the_same_inputs_give_the_same_result_and_name_what_made_it():
    market, scores = made_by_chance(45)
    one, two = (run_backtest(scored(scores), market, BOTH) for _ in range(2))
    assert_frame_equal(one.daily, two.daily)
    assert (one.engine_version, one.fingerprint) == (two.engine_version, two.fingerprint)
    assert run_backtest(scored(scores), market, DAILY).fingerprint != one.fingerprint
