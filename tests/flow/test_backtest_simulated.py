"""The backtest on a simulated market: who knows the planted truth earns, who knows nothing pays; and its command."""

import json
from dataclasses import replace
from datetime import date, datetime, time

import dagster as dg
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from assets.backtest import BacktestSettings, Rebalance, accounts_add_up, trades_happen
from gogoku.cli import build_app
from gogoku.definitions import build_definitions
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ConfigError, EvaluationError, PartitionMissingError
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.dataset.exits import open_to_open, price_grid
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, CostConfig
from gogoku_pipeline.evaluation.backtest.market import MarketFrames, market_grid
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from gogoku_pipeline.evaluation.trials import Trial, trial_rows
from gogoku_pipeline.registry.backtest_runs import daily_ledger, judged_scores, run_backtests
from gogoku_pipeline.registry.backtest_tables import ACCOUNTS, CAPACITY, EXPOSURE
from gogoku_pipeline.registry.backtesting import served_scores, stored_market, walk_forward_scores
from gogoku_pipeline.registry.ledgers import record_trials
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.schema import daily_bars, dividends, listed_issues, topix
from gogoku_pipeline.simulator.books.dividends import rows_of_day
from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.walk_forward import SCORES, table_rows
from resources.compute import Compute
from resources.truth import keep_truth
from tests.flow.small_house import failed_checks

HORIZON_D = 5
COMMIT = CommitInfo(run_id="test", code_version="1")
CONFIG = BacktestConfig(enter=8, leave=14, capital_jpy=3e7, horizon_d=HORIZON_D)


def bars_of(market):
    """Daily bars of every listed issue, as typed."""
    history, traded = market.history, market.traded()
    days = []
    for place, session in enumerate(market.sessions):
        issues = np.flatnonzero(market.listings.listed(place))
        prints = {
            name: pl.Series(np.where(traded[place, issues], getattr(history, name)[place, issues] / 10.0, np.nan))
            for name in ("open", "high", "low", "close")
        }
        factor = market.split_table.on_day(place - 1, place)[issues]
        days.append(
            pl.DataFrame(
                {
                    "code": [market.codes[issue] for issue in issues],
                    **{f"{name}_jpy": values.fill_nan(None) for name, values in prints.items()},
                    "volume_shares": history.lots[place, issues] * 100.0,
                    "adjustment_factor": factor,
                    "ex_rights_type": pl.Series(
                        [None if one == 1 else "1" if one < 1 else "2" for one in factor], dtype=pl.String
                    ),
                    "is_limit_up": history.limits[place, issues] % 2 == 1,
                    "is_limit_down": history.limits[place, issues] >= 2,
                }
            ).with_columns(pl.lit(session).alias("session"))
        )
    return pl.concat(days)


def listed_of(market):
    of_issue = market.listings
    rows = [
        (
            session,
            market.codes[issue],
            of_issue.scale[issue],
            of_issue.margin[issue],
            SECTOR33[of_issue.sector[issue]][0],
        )
        for place, session in enumerate(market.sessions)
        for issue in np.flatnonzero(of_issue.listed(place))
    ]
    names = ("code", "scale_category", "margin_class", "sector33_code")
    return pl.DataFrame(rows, schema={"session": pl.Date} | dict.fromkeys(names, pl.String), orient="row")


def notices_of(market):
    evening = datetime.combine(market.sessions[-1], time(23), JST)
    rows = [row for day in market.sessions for row in rows_of_day(market, day, evening)]
    return pl.DataFrame(
        {
            "code": [row["Code"] for row in rows],
            "reference_number": [row["RefNo"] for row in rows],
            "original_reference_number": [row["CARefNo"] for row in rows],
            "status": [row["StatCode"] for row in rows],
            "published_date": [datetime.fromisoformat(row["PubDate"]).date() for row in rows],
            "published_time": [row["PubTime"] for row in rows],
            "ex_date": [datetime.fromisoformat(row["ExDate"]).date() for row in rows],
            "dividend_jpy": [None if isinstance(row["DivRate"], str) else float(row["DivRate"]) for row in rows],
        }
    )


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=80, n_sessions=200))


@pytest.fixture(scope="module")
def tables(market):
    bars, stocks = bars_of(market), [market.codes[issue] for issue in np.flatnonzero(market.listings.is_stock)]
    universe = bars.select("session", "code", pl.col("code").is_in(stocks).alias("is_tradable"))
    index = pl.DataFrame({"session": market.sessions, "close_points": market.history.topix[:, 3]})
    return MarketFrames(bars, listed_of(market), universe, index, notices_of(market))


@pytest.fixture(scope="module")
def grid(tables):
    return market_grid(tables)


@pytest.fixture(scope="module")
def truth(market):
    return market.oracle_scores(HORIZON_D)


def random_scores(truth):
    return truth.with_columns(pl.Series("score", np.random.default_rng(3).normal(size=truth.height)))


def test_the_table_of_limits_and_the_publishers_flags_agree_on_every_open(grid):
    assert grid.notes["opens_on_which_limit_table_and_flags_disagree"] == 0
    assert grid.at_upper.sum() > 0 and grid.at_lower.sum() > 0


@pytest.mark.parametrize("side", ["long_only", "long_short"])
def test_who_knows_the_planted_truth_earns_more_than_who_knows_nothing(grid, truth, side):
    config = replace(CONFIG, side=side, costs=replace(CostConfig(), impact=0.3))
    known, blind = (run_backtest(scores, grid, config) for scores in (truth, random_scores(truth)))
    gains = [found.daily["equity_jpy"][-1] / config.capital_jpy - 1 for found in (known, blind)]
    assert gains[0] > 0 and gains[0] > gains[1] + 0.10
    assert (known.daily["dividends_jpy"] != 0).any() and (known.daily["converted_jpy"] != 0).any()


def test_what_is_held_at_a_delisting_ends_at_the_last_print(market, grid, truth):
    """Scores that want exactly the issues that leave."""
    leaving = [market.codes[issue] for issue in np.flatnonzero(market.listings.last < len(market.sessions) - 1)]
    wanted = truth.with_columns(pl.col("code").is_in(leaving).cast(pl.Float64).alias("score") + pl.col("score") * 1e-3)
    found = run_backtest(wanted, grid, replace(CONFIG, enter=len(leaving), leave=len(leaving), participation=0.5))
    ended = found.trades.filter(kind="delisted")
    assert ended.height > 0 and set(ended["code"]) <= set(leaving)
    for row in ended.iter_rows(named=True):
        place = market.sessions.index(row["session"])
        issue = market.codes.index(row["code"])
        assert place == market.listings.last[issue] + 1
        prints = market.history.close[:place, issue]
        assert row["price_jpy"] == pytest.approx(prints[prints > 0][-1] / 10)


def test_a_position_held_over_a_horizon_earns_its_label(market, tables, grid):
    """Labels and backtest share no code: bought at the next open, sold h sessions later, splits in between."""
    bars = tables.bars.with_columns(turnover_jpy=pl.col("close_jpy") * pl.col("volume_shares"))
    prices = price_grid(stage_prices(bars), market.sessions)
    label = open_to_open(prices, HORIZON_D)
    config = replace(CONFIG, rebalance="daily", enter=1, leave=1, min_names=2, lot_shares=1, participation=1.0,
                     capital_jpy=2e5, gross_long=0.5, costs=CostConfig.free())  # fmt: skip
    splits = [(event.session - 1 - place % HORIZON_D - 1, event.issue) for place, event in enumerate(market.splits)]
    rng = np.random.default_rng(1)
    others = zip(rng.integers(30, 180, 25).tolist(), rng.integers(0, 80, 25).tolist(), strict=True)
    compared = 0
    for row, name in [*splits, *others]:
        if not 20 < row < 190 or label.reason[row, name] or not np.isfinite(label.ret_open[row, name]):
            continue
        out = row + HORIZON_D
        if grid.at_upper[row + 1, name] or grid.at_lower[out + 1, name] or not grid.tradable[[row, out], name].all():
            continue
        code, other = grid.codes[name], next(one for place, one in enumerate(grid.codes) if place != name
                                             and grid.tradable[[row, out], place].all())  # fmt: skip
        days = [market.sessions[row], market.sessions[row], market.sessions[out], market.sessions[out]]
        scores = pl.DataFrame({"session": days, "code": [code, other] * 2, "score": [2.0, 1.0, 1.0, 2.0]})
        found = run_backtest(scores, replace(grid, payments={}), config)
        mine = found.trades.filter(code=code)
        assert mine["session"].to_list() == [market.sessions[row + 1], market.sessions[out + 1]]
        paid, got = (mine["shares"] * mine["price_jpy"]).to_list()
        cashed = found.daily["converted_jpy"].sum()
        exact = pytest.approx(label.ret_open[row, name], abs=1e-9 + 0.2 * cashed / paid)  # a fraction leaves earlier
        assert (cashed - got) / paid - 1 == exact
        compared += 1
    assert compared > 15


@pytest.fixture(scope="module")
def store(market, tables, truth, tmp_path_factory):
    """The market's tables, scores of two recipes at one cut-off and the lists of some evenings."""
    kept = open_store(f"file://{tmp_path_factory.mktemp('store') / 'data'}")
    sessions = market.sessions
    at = {"available_at": pl.lit(datetime.combine(sessions[0], time(17), JST))}
    for declared, frame in (
        (daily_bars.TABLE, tables.bars),
        (listed_issues.SNAPSHOT, tables.listed),
        (UNIVERSE, tables.universe),
        (topix.TABLE, tables.topix),
    ):
        kept.tables.write_sessions(declared, complete(declared, frame, **at), sessions, commit=COMMIT)
    notices = tables.dividends.with_columns(pl.col("published_date").alias("session"))
    kept.tables.write_sessions(dividends.TABLE, complete(dividends.TABLE, notices, **at), sessions, commit=COMMIT)
    fit = {"fold": pl.lit(0, dtype=pl.Int16), "seed": pl.lit(1, dtype=pl.Int64), "is_counted": pl.lit(True)}
    walks = [
        scores.filter(pl.col("session") > sessions[100]).with_columns(model=pl.lit(name), **fit)
        for name, scores in (("seer", truth), ("blind", random_scores(truth)))
    ]
    kept.tables.write_sessions(SCORES, table_rows(pl.concat(walks), sessions[-1]), [sessions[-1]], commit=COMMIT)
    lists = truth.filter(pl.col("session") > sessions[150]).with_columns(
        pl.col("score").rank("ordinal", descending=True).over("session").cast(pl.Int32).alias("rank")
    )
    kept.tables.write_sessions(PREDICTIONS, complete(PREDICTIONS, lists, **at), sessions[151:], commit=COMMIT)
    keep_truth(kept, truth)
    return kept


def complete(declared, frame, **given):
    """A frame with every declared column, the ones nobody asks for filled with a value of their type."""
    empty = {pl.String: "1", pl.Float64: 1.0, pl.Boolean: False}
    for column in declared.columns:
        if column.name in given:
            frame = frame.with_columns(given[column.name].alias(column.name))
        elif column.name not in frame.columns:
            value = None if column.nullable else empty.get(column.dtype, 1)
            frame = frame.with_columns(pl.lit(value).cast(column.dtype).alias(column.name))
    return frame.select(declared.polars_schema.names()).cast(dict(declared.polars_schema)).sort(declared.key)


def test_the_store_gives_the_frames_that_were_written(store, tables, grid, truth):
    read = market_grid(stored_market(store))
    assert np.array_equal(read.opening, grid.opening, equal_nan=True)
    scores = walk_forward_scores(store).filter(model="seer")
    again = run_backtest(scores, read, CONFIG)
    direct = run_backtest(truth.filter(pl.col("session").is_in(scores["session"].unique().implode())), grid, CONFIG)
    assert again.daily["equity_jpy"].to_list() == direct.daily["equity_jpy"].to_list()
    assert served_scores(store).height > 0


def test_a_walk_or_a_list_that_was_never_stored_is_named(store, tmp_path):
    empty = open_store(f"file://{tmp_path / 'data'}")
    for ask in (walk_forward_scores, served_scores):
        with pytest.raises(PartitionMissingError, match="none stored"):
            ask(empty)
    with pytest.raises(PartitionMissingError, match="2020-01-06"):
        walk_forward_scores(store, date(2020, 1, 6))


def run(store, *arguments):
    folder = store.tables.uri(SCORES).removeprefix("file://").rsplit("/tables/", 1)[0]
    environment = {"GOGOKU_DATA_URL": f"file://{folder}", "COLUMNS": "200"}
    return CliRunner().invoke(build_app(), ["backtest", *arguments], env=environment)


def test_the_command_shows_every_recipe_beside_the_oracle(store):
    shown = run(store, "--enter", "8", "--capital", "3e7")
    assert shown.exit_code == 0, shown.output
    for words in ("seer", "blind", "oracle", "TOPIX", "long_only, weekly, 30,000,000 yen"):
        assert words in shown.output


def test_the_command_tells_a_script_everything(store):
    shown = run(store, "--model", "served", "--long-short", "--rebalance", "daily", "--json")
    assert shown.exit_code == 0, shown.output
    (found,) = json.loads(shown.stdout)
    assert found["scores"] == "served" and found["engine_version"] and len(found["fingerprint"]) == 64
    assert [row["capital_jpy"] for row in found["capacity"]] == [1e7, 1e8, 1e9, 1e10, 1e11]
    assert found["months"] and found["exposure"] and found["notes"]["has_dividends"] == 1


def test_the_command_names_what_it_does_not_know(store):
    for arguments, kind, thing in (
        (("--model", "nobody"), ConfigError, "model 'nobody'"),
        (("--rebalance", "hourly"), ConfigError, "--rebalance"),
        (("2019-01-04",), PartitionMissingError, "walk-forward scores of cut-off 2019-01-04"),
    ):
        problem = run(store, *arguments).exception
        assert isinstance(problem, kind) and problem.thing == thing


def materialised(store, market, folder, **settings):
    """The asset on a store, with settings as the launchpad would give them."""
    definitions = build_definitions(
        settings=Settings(),
        start=market.sessions[0],
        end=market.sessions[-1],
        store=store,
        compute=Compute(cache_dir=folder, first_session=market.sessions[0], is_simulated=True),
    )
    with dg.DagsterInstance.ephemeral(str(folder)) as instance:
        return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(ACCOUNTS.name)],
            run_config={"ops": {ACCOUNTS.name: {"config": settings}}},
            raise_on_error=False,
        )


def test_the_asset_trades_the_walk_and_the_served_lists_and_shows_it(store, market, tmp_path):
    result = materialised(store, market, tmp_path, capital_jpy=3e7)
    assert result.success
    kept = store.tables.scan(ACCOUNTS).collect()
    whose = set(kept.select("scores", "side").unique().iter_rows())
    assert whose == {(name, side) for name in ("seer", "blind", "served") for side in ("long_only", "long_short")}
    (event,) = result.get_asset_materialization_events()
    shown = event.step_materialization_data.materialization.metadata
    assert shown["dagster/row_count"].value == kept.height
    assert all("data:image/png" in shown[name].value for name in ("equity", "capacity"))
    figures = [record.data for record in shown["figures"].records]
    heads = {line["scores"]: line for line in figures if line["side"] == "long only"}
    assert float(heads["seer"]["Sharpe"]) > float(heads["blind"]["Sharpe"])
    assert {"month", "TOPIX", "seer, long only"} <= set(shown["months"].records[0].data)
    assert shown["sectors"].records[0].data["sector"]
    assert store.tables.scan(CAPACITY).collect()["capital_jpy"].n_unique() == 5
    assert set(store.tables.scan(EXPOSURE).collect()["kind"]) == {"sector", "size"}
    failed = {name for (_, name, _) in failed_checks(result)}
    assert failed <= {"believable"}, failed_checks(result)


def test_settings_of_the_launchpad_change_what_is_traded(store, market, tmp_path):
    chosen = {"models": ["blind"], "is_long_short": False, "rebalance": "monthly", "capital_jpy": 5e7, "enter": 0.2,
              "leave": 0.4}  # fmt: skip
    assert materialised(store, market, tmp_path, **chosen).success
    kept = store.tables.scan(ACCOUNTS).collect()
    assert kept.select("scores", "side").unique().rows() == [("blind", "long_only")]
    assert kept["strategy"].unique().to_list() == ["buys the best 20%, monthly, keeps to 40%, 50 million yen"]
    assert kept["is_decision"].sum() <= kept["session"].dt.month().n_unique() + 1
    assert kept["equity_jpy"][0] == 5e7


def test_before_anything_was_scored_the_asset_is_empty_and_says_why(market, tmp_path):
    fresh = open_store(f"file://{tmp_path / 'data'}")
    result = materialised(fresh, market, tmp_path)
    assert result.success
    assert fresh.tables.scan(ACCOUNTS).collect().is_empty()
    words = {name: said for (_, name, _), said in failed_checks(result).items()}
    assert words == {"trades_happen": "no walk was judged and too few lists served"}


def test_a_backtest_without_trades_fails_by_name_and_the_others_stand(store):
    scores = judged_scores(store, ["blind"])
    flat = {"flat": scores["blind"].with_columns(score=pl.lit(1.0)), **scores}
    made = run_backtests(store, flat, BacktestSettings(is_long_short=False).strategies(HORIZON_D))
    assert list(made.problems) == ["flat, long_only"] and list(made.figures) == [("blind", "long_only")]
    said = trades_happen(made)
    assert not said.passed and said.severity == dg.AssetCheckSeverity.ERROR and said.description.startswith("flat")
    assert accounts_add_up(made.accounts).passed
    stolen = pl.col("equity_jpy") - pl.when(pl.int_range(pl.len()) == 7).then(5.0).otherwise(0.0)
    assert not accounts_add_up(made.accounts.with_columns(stolen)).passed


def test_trials_of_whole_positions_are_counted_per_session(store, tmp_path):
    kept = open_store(f"file://{tmp_path / 'trials'}")
    positions = np.random.default_rng(0).normal(0.01, 0.02, (2, 30))
    fits = [(Trial("m", "c", "f", seed), series) for seed, series in enumerate(positions)]
    tried = trial_rows(fits, recorded_at=datetime(2024, 1, 4, tzinfo=JST))
    record_trials(kept, tried.head(1), commit=COMMIT)
    assert daily_ledger(kept, 4) is None, "one ratio has no spread"
    record_trials(kept, tried, commit=COMMIT)
    found = daily_ledger(kept, 4)
    assert sorted(found["sharpe"]) == pytest.approx(sorted(tried["sharpe"] / 2))
    assert daily_ledger(store, HORIZON_D) is None


def test_lists_of_a_few_evenings_are_traded_only_when_asked_for(store):
    assert set(judged_scores(store)) == {"seer", "blind", "served"}
    assert set(judged_scores(store, min_lists=100)) == {"seer", "blind"}
    assert set(judged_scores(store, ["served"], min_lists=100)) == {"served"}
    with pytest.raises(EvaluationError, match="nobody"):
        judged_scores(store, ["nobody"])


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(ConfigError, match="0 < enter <= leave"):
        BacktestSettings(enter=70).strategies(HORIZON_D)
    weekly, tenths = BacktestSettings(rebalance=Rebalance.daily).strategies(HORIZON_D)
    assert (weekly.enter, weekly.leave, weekly.rebalance) == (35, 60, "daily")
    assert (tenths.side, tenths.enter) == ("long_short", 0.10)
