"""Each section of the evening report shows the figures it was given, and nothing where it was given nothing."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation import plots_champions, plots_judgement
from gogoku_pipeline.evaluation.backtest import plots as plots_backtest
from gogoku_pipeline.evaluation.calibration import calibration, calibration_by_day
from gogoku_pipeline.evaluation.report import Judged, Reign, ReportInputs, Traded, render_report
from gogoku_pipeline.evaluation.report_backtest import figures_table, months_table, sectors_table
from gogoku_pipeline.evaluation.report_tables import GLUE, breakdown_tables, horizon_table, turning_points
from gogoku_pipeline.evaluation.trials import Trial, trial_rows

FIRST = date(2024, 1, 4)
DAYS = [FIRST + timedelta(days=n) for n in range(60)]
LIST = pl.DataFrame({"rank": [1, 2, 3], "code": ["13010", "72030", "99840"], "score": [0.9, 0.5, 0.1]})
BARE = ReportInputs(
    session=DAYS[-1],
    generated_at=datetime(2024, 3, 4, 20, tzinfo=JST),
    model="lightgbm",
    model_version="v1",
    served_because="baseline: nothing was promoted",
    predictions=LIST,
)
HORIZONS = pl.DataFrame(
    {
        "model": ["lightgbm", "lightgbm", "apex_ranker"],
        "horizon_d": [1, 5, 5],
        "n_days": [200, 196, 196],
        "rank_ic": [0.0123, 0.0456, None],
        "low": [0.0023, 0.0356, None],
        "high": [0.0223, 0.0556, None],
        "t": [2.4, 4.5, None],
    }
)
BREAKDOWN = pl.DataFrame(
    [
        ("month", "lightgbm", "2024-01", 19, 40.0, 0.031, 1.1, 0.0021),
        ("month", "lightgbm", "2024-02", 18, 40.0, -0.077, -1.9, -0.0044),
        ("sector", "lightgbm", "3700", 37, 9.0, 0.055, 2.2, 0.0012),
        ("sector", "apex_ranker", "3700", 37, 9.0, 0.066, 2.3, 0.0013),
        ("size", "lightgbm", "1", 37, 12.0, 0.088, 3.4, 0.0055),
        ("regime", "lightgbm", "falling, restless", 11, 40.0, 0.099, None, None),
    ],
    schema={"kind": pl.String, "model": pl.String, "group": pl.String, "n_days": pl.Int64, "names": pl.Float64,
            "rank_ic_mean": pl.Float64, "rank_ic_t": pl.Float64, "spread": pl.Float64},
    orient="row",
)  # fmt: skip


def accounts(scores, side, drift, *, topix=0.0002):
    """Money that grows by `drift` a day with a known wobble; costs of 10 yen a day."""
    wobble = np.where(np.arange(len(DAYS)) % 2, 0.004, -0.004)
    ret = np.concatenate([[np.nan], (drift + wobble)[1:]])
    equity = 1e6 * np.cumprod(1 + np.nan_to_num(ret))
    frame = pl.DataFrame({"session": DAYS, "equity_jpy": equity, "ret": ret}).with_columns(
        pl.col("ret").fill_nan(None),
        pl.lit(scores).alias("scores"),
        pl.lit(side).alias("side"),
        pl.lit(topix).alias("topix_ret"),
        pl.lit(f"{side} in words").alias("strategy"),
        pl.col("ret").fill_nan(None).alias("gross_ret"),
        long_jpy=pl.col("equity_jpy"),
        short_jpy=pl.lit(0.0),
    )
    flows = ("commission_jpy", "spread_jpy", "impact_jpy", "borrow_jpy", "dividends_jpy", "bought_jpy", "sold_jpy")
    return frame.with_columns(*(pl.lit(10.0).alias(name) for name in flows), n_long=pl.lit(5), n_short=pl.lit(0))


ACCOUNTS = pl.concat([accounts("served", "long_only", 0.001), accounts("lightgbm", "long_only", -0.001)])
EXPOSURE = pl.DataFrame(
    {
        "scores": ["served", "served"],
        "side": ["long_only"] * 2,
        "kind": ["sector", "size"],
        "name": ["3700", "TOPIX Core30"],
        "long_share": [0.4321, 0.9],
        "contribution": [0.0789, None],
    }
)
CAPACITY = pl.DataFrame(
    {
        "scores": ["served"] * 2,
        "capital_jpy": [1e7, 1e9],
        "annual_return": [0.2, -0.1],
        "cost_share": [0.02, 0.3],
        "invested": [0.9, 0.2],
    }
)


def timeline(states):
    """A champion from the tenth session on; `states` by session."""
    champion = ["lightgbm" if state == "baseline" else "apex_ranker" for state in states]
    server = ["apex_ranker" if state == "serves" else "lightgbm" for state in states]
    watched = [state in ("serves", "suspended") for state in states]
    return pl.DataFrame(
        {
            "session": DAYS[: len(states)],
            "champion": champion,
            "server": server,
            "state": states,
            "evidence": [float(place) if one else None for place, one in enumerate(watched)],
            "threshold": [245.0 if one else None for one in watched],
            "live_days": [37 if one else None for one in watched],
            "live_rank_ic": [-0.0123 if one else None for one in watched],
            "reason": [f"because of {state}" for state in states],
        },
        schema_overrides={"evidence": pl.Float64, "threshold": pl.Float64, "live_rank_ic": pl.Float64},
    )


STATES = ["baseline"] * 10 + ["serves"] * 20 + ["suspended"] * 20 + ["serves"] * 5
VERDICTS = pl.DataFrame(
    {"decided_for": [DAYS[3], DAYS[10]], "model": ["apex_ranker"] * 2, "decision": ["inconclusive", "promote"]}
)


def section(page, name):
    """The HTML of one section, empty if the page has none of that name."""
    found = re.search(rf'<section id="{name}">.*?</section>', page, re.DOTALL)
    return found.group() if found else ""


def test_a_page_without_evidence_leaves_its_sections_out_and_says_that_nothing_was_traded():
    page = render_report(BARE)
    assert all(not section(page, name) for name in ("gate", "models", "edge", "calibration", "champions", "data"))
    assert "No backtest yet" in section(page, "backtest")
    empty = replace(
        BARE,
        judged=Judged(HORIZONS.clear(), BREAKDOWN.clear()),
        reign=Reign(timeline([]), VERDICTS.clear()),
        traded=Traded(ACCOUNTS.clear(), EXPOSURE.clear(), CAPACITY.clear()),
    )
    assert render_report(empty) == page


def test_every_horizon_stands_with_its_interval_and_a_model_without_a_ranking_with_a_dash():
    table = horizon_table(HORIZONS)
    assert table.heads == ("model", "1 session", "5 sessions")
    said = [tuple(cell.replace(GLUE, " ") for cell in row) for row in table.rows]
    assert said == [
        ("lightgbm", "+0.0123 [+0.0023, +0.0223] · 200 d", "+0.0456 [+0.0356, +0.0556] · 196 d"),
        ("apex_ranker", "–", "–"),
    ]
    assert [part.count(" ") for part in table.rows[0]] == [0, 2, 2], (
        "a narrow window folds before interval and days only"
    )
    page = section(render_report(replace(BARE, judged=Judged(HORIZONS))), "models")
    assert table.rows[0][2] in page and page.count("<img") == 1 and "wide folds" in page


def test_the_edge_is_shown_by_month_regime_sector_and_size_for_every_model():
    tables = {table.title: table for table in breakdown_tables(BREAKDOWN)}
    assert list(tables) == ["By market regime", "By size", "By sector", "By month"]
    assert tables["By sector"].rows == (
        ("Transportation Equipment", "37", "+0.055 (+2.2)", "+0.12%", "+0.066 (+2.3)", "+0.13%"),
    )
    assert [row[0] for row in tables["By month"].rows] == ["2024-02", "2024-01"]
    assert tables["By market regime"].rows[0][2:] == ("+0.099", "–")
    page = section(render_report(replace(BARE, judged=Judged(breakdown=BREAKDOWN))), "edge")
    assert all(words in page for words in ("-0.077 (-1.9)", "+0.088 (+3.4)", "falling, restless"))
    assert page.count("<img") == 1


def test_calibration_shows_what_was_promised_beside_what_was_seen():
    rng = np.random.default_rng(0)
    outcome = rng.normal(size=400)
    keys = {"session": [DAYS[n % 20] for n in range(400)], "code": [f"{n // 20:05d}" for n in range(400)]}
    labels = pl.DataFrame({**keys, "ret_open": outcome}).with_columns(horizon_d=pl.lit(5))
    quantiles = pl.concat(
        labels.select("session", "code", "horizon_d").with_columns(quantile=pl.lit(q), value=pl.lit(value))
        for q, value in ((0.1, float(np.quantile(outcome, 0.25))), (0.9, float(np.quantile(outcome, 0.9))))
    )
    found = calibration(calibration_by_day(quantiles, labels))
    page = section(render_report(replace(BARE, judged=Judged(calibration=found))), "calibration")
    assert re.findall(r'<td class="n">(\S+)</td>', page)[:3] == ["10%", "25.0%", "+15.0%"]
    assert "five points" in page and page.count("<img") == 1


def test_the_champions_story_names_every_turn_newest_first_and_the_live_record():
    told = turning_points(timeline(STATES))
    assert [row[0] for row in told.rows] == [str(DAYS[place]) for place in (50, 30, 10, 0)]
    assert told.rows[1][1:] == ("apex_ranker", "lightgbm", "suspended", "because of suspended")
    reign = Reign(timeline(STATES), VERDICTS)
    page = section(render_report(replace(BARE, reign=reign)), "champions")
    assert "Live RankIC of apex_ranker: -0.0123 over 37 days." in page and page.count("<img") == 1
    unwatched = turning_points(timeline(["baseline"] * 5))
    assert len(unwatched.rows) == 1 and "No champion" in unwatched.words


def test_the_backtest_shows_figures_months_and_sectors_of_every_strategy():
    page = section(render_report(replace(BARE, traded=Traded(ACCOUNTS, EXPOSURE, CAPACITY))), "backtest")
    head = figures_table(ACCOUNTS).rows_by_key("scores", named=True)
    for scores in ("served", "lightgbm"):
        (row,) = head[scores]
        assert row["sessions"] == "59" and f">{row['net']}</td>" in page and row["a year"] == "–"
    assert head["served"][0]["Sharpe"].startswith(("3", "4")) and head["lightgbm"][0]["Sharpe"].startswith("-")
    assert "43.2%" in page and "+7.9%" in page and "Transportation Equipment" in page
    assert "long_only in words" in page and page.count("<img") == 2


def test_months_compound_to_the_whole_and_stand_beside_topix():
    table = months_table(ACCOUNTS)
    assert table.columns == ["month", "served, long only", "lightgbm, long only", "TOPIX"]
    assert table["month"].to_list() == ["2024-01", "2024-02", "2024-03"]
    grown = np.prod([1 + float(cell.rstrip("%")) / 100 for cell in table["served, long only"]])
    assert grown == pytest.approx(ACCOUNTS.filter(scores="served")["equity_jpy"][-1] / 1e6, abs=2e-3)


def test_a_run_too_good_to_be_true_is_called_out_on_the_page():
    golden = accounts("golden", "long_only", 0.01)
    page = section(render_report(replace(BARE, traded=Traded(golden))), "backtest")
    assert "run the leak audit" in page


def test_sectors_that_hold_most_come_first_and_only_those_that_fit_are_shown():
    many = pl.DataFrame(
        {"scores": ["a"] * 20, "side": ["long_only"] * 20, "kind": ["sector"] * 20, "name": [str(n) for n in range(20)],
         "long_share": [n / 100 for n in range(20)], "contribution": [0.0] * 20}
    )  # fmt: skip
    found = sectors_table(many, most=3)
    assert found["sector"].to_list() == ["19", "18", "17"]
    assert found["a held"].to_list() == ["19.0%", "18.0%", "17.0%"]


def test_the_ledger_of_trials_takes_probability_from_the_sharpe_ratio():
    noise = np.random.default_rng(1).normal(0, 0.004, (40, 59))
    tried = [(Trial("m", "c", "f", seed), series) for seed, series in enumerate(noise)]
    ledger = trial_rows(tried, recorded_at=datetime(2024, 1, 4, tzinfo=JST))
    alone, counted = figures_table(ACCOUNTS), figures_table(ACCOUNTS, ledger)
    assert alone["DSR"][0] == "–"
    assert float(counted["DSR"][0].rstrip("%")) < float(counted["PSR"][0].rstrip("%"))


def test_frames_without_their_columns_are_refused_by_name():
    for bad in (Judged(horizons=HORIZONS.drop("low")), Judged(breakdown=BREAKDOWN.drop("spread"))):
        with pytest.raises(EvaluationError, match="low|spread"):
            render_report(replace(BARE, judged=bad))
    with pytest.raises(EvaluationError, match="state"):
        render_report(replace(BARE, reign=Reign(timeline(STATES).drop("state"))))
    with pytest.raises(EvaluationError, match="equity_jpy"):
        render_report(replace(BARE, traded=Traded(ACCOUNTS.drop("equity_jpy"))))


PICTURES = {
    "champion_timeline": lambda: plots_champions.champion_timeline(timeline(STATES), VERDICTS),
    "champion_timeline_of_a_baseline": lambda: plots_champions.champion_timeline(timeline(["baseline"] * 5)),
    "rank_ic_by_horizon": lambda: plots_judgement.rank_ic_by_horizon(HORIZONS),
    "rank_ic_by_month": lambda: plots_judgement.rank_ic_by_month(BREAKDOWN.filter(kind="month")),
    "equity_and_drawdown": lambda: plots_backtest.equity_and_drawdown(ACCOUNTS),
    "capacity_picture": lambda: plots_backtest.capacity_picture(CAPACITY),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_small_png_and_the_same_every_time(name):
    first = PICTURES[name]()
    assert first.startswith(b"\x89PNG") and len(first) < 40_000
    assert PICTURES[name]() == first


def test_a_suspended_spell_changes_the_picture_of_the_champion():
    served = timeline([state if state != "suspended" else "serves" for state in STATES])
    drawn = plots_champions.champion_timeline
    assert drawn(timeline(STATES), VERDICTS) != drawn(served, VERDICTS) != drawn(served)
