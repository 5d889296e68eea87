"""`gogoku evaluate` and `gogoku compare` on stored scores: every figure is there, and what cannot be asked is named."""

import json
from datetime import datetime, time

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku.commands.evaluate import remarks
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ConfigError, EvaluationError, PartitionMissingError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.gate import decide
from gogoku_pipeline.evaluation.trials import Trial, trial_rows
from gogoku_pipeline.evaluation.verdict import GateConfig, GateContext
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.registry.assessment import assess
from gogoku_pipeline.registry.evidence import Asked
from gogoku_pipeline.registry.ledgers import openings, record_trials
from gogoku_pipeline.registry.tables import PREDICTIONS, SHADOW
from gogoku_pipeline.schema import topix
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.walk_forward import SCORES, scores_from_table

WHO = CommitInfo("run-1", "test")
TENTH = 1.2816
"""A normal outcome lies above it in one case of ten."""
HORIZON_D, DAYS, NAMES = 5, 90, 40
SESSIONS = tse_calendar().sessions[1000 : 1000 + DAYS]
CUTOFF = SESSIONS[-1]
KNOWS = {"apex_ranker": 0.3, "lightgbm": 0.15, "random": 0.0}


def filled(table, columns, height):
    """Rows of a table with these columns; whatever else it must have gets a plain value of its type."""
    plain = {pl.String: "x", pl.Boolean: True, pl.Date: SESSIONS[0]}
    frame = pl.DataFrame({"_": range(height)}).with_columns(**columns)
    rest = {
        column.name: pl.lit(None if column.nullable else plain.get(column.dtype, 1), dtype=column.dtype)
        for column in table.columns
        if column.name not in columns
    }
    stamp = pl.lit(datetime.combine(SESSIONS[0], time(19), JST))
    if "available_at" in rest:
        rest["available_at"] = stamp.cast(table.column("available_at").dtype)
    return frame.with_columns(**rest).select(table.polars_schema.names()).cast(table.polars_schema)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A place where a walk of three recipes, served lists and shadow scores are kept."""
    where = tmp_path_factory.mktemp("place")
    store, rng, calendar = open_store(f"file://{where}"), np.random.default_rng(4), tse_calendar()
    outcome = rng.normal(size=(DAYS, NAMES))
    days = pl.Series([day for day in SESSIONS for _ in range(NAMES)], dtype=pl.Date)
    codes = pl.Series([f"{1300 + name}0" for name in range(NAMES)] * DAYS)
    exits = [calendar.sessions[calendar.index(day) + 1 + HORIZON_D] for day in SESSIONS]
    when = [datetime.combine(day, time(16, 30), JST) if day <= CUTOFF else None for day in exits]
    known = pl.Series([stamp for stamp in when for _ in range(NAMES)])
    keys = {"session": days, "code": codes, "horizon_d": pl.lit(HORIZON_D)}
    size = days.len()
    labels = filled(LABELS, {**keys, "exit_session": pl.Series([day for day in exits for _ in range(NAMES)]),
                             "ret_open": pl.Series(0.03 * outcome.ravel()),
                             "excess_open": pl.Series(0.03 * outcome.ravel()),
                             "available_at": known.dt.convert_time_zone("Asia/Tokyo")}, size)  # fmt: skip
    store.tables.write_whole(LABELS, labels.sort(LABELS.key), commit=WHO)

    def scores(knows):
        return pl.Series((knows * outcome + np.sqrt(1 - knows**2) * rng.normal(size=outcome.shape)).ravel())

    walk = [
        filled(SCORES, {"session": pl.lit(CUTOFF), "scored_session": days, "code": codes, "model": pl.lit(model),
                        "horizon_d": pl.lit(HORIZON_D), "seed": pl.lit(seed), "fold": pl.lit(0),
                        "is_counted": days >= SESSIONS[5], "score": scores(knows)}, size)
        for model, knows in KNOWS.items() for seed in (1, 2, 3)
    ]  # fmt: skip
    store.tables.write_sessions(SCORES, pl.concat(walk).sort(SCORES.key), [CUTOFF], commit=WHO)
    for table, knows in ((PREDICTIONS, 0.2), (SHADOW, 0.1)):
        ends = {"interval_low": pl.lit(-0.03 * TENTH), "interval_high": pl.lit(0.03 * TENTH)}
        ends = ends if table is PREDICTIONS else {}
        rows = filled(table, {**keys, "model": pl.lit("lightgbm"), "score": scores(knows), **ends}, size)
        store.tables.write_sessions(table, rows.sort(table.key), SESSIONS, commit=WHO)
    sectors = pl.Series(["0050", "3650"] * (size // 2))
    who = {"session": days, "code": codes, "sector33_code": sectors, "is_tradable": codes != "13390"}
    members = filled(UNIVERSE, who, size)
    store.tables.write_sessions(UNIVERSE, members.sort(UNIVERSE.key), SESSIONS, commit=WHO)
    prices = family_table("feat__prices", registry())
    held = {name: pl.Series(rng.normal(size=size)) for name in ("vol_20d", "log10_adv_20d_jpy") if name in
            prices.polars_schema}  # fmt: skip
    store.tables.write_sessions(
        prices, filled(prices, {"session": days, "code": codes, **held}, size).sort(prices.key), SESSIONS, commit=WHO
    )
    index = {
        "session": pl.Series(SESSIONS),
        "close_points": pl.Series(1500 * np.exp(np.cumsum(rng.normal(0, 0.01, DAYS)))),
    }
    store.tables.write_sessions(topix.TABLE, filled(topix.TABLE, index, DAYS), SESSIONS, commit=WHO)
    return where


def asked(folder, *arguments):
    environment = {"GOGOKU_DATA_URL": f"file://{folder}", "COLUMNS": "200"}
    return CliRunner().invoke(build_app(), list(arguments), env=environment)


def test_every_metric_of_every_model_is_told_and_the_better_one_leads(folder):
    said = json.loads(asked(folder, "evaluate", "--json").stdout)
    rows = said["summary"]
    assert [row["model"] for row in rows] == ["apex_ranker", "lightgbm", "random"]
    assert {row["n_days"] for row in rows} == {DAYS - 5 - 1 - HORIZON_D}, "embargo and undecided days do not count"
    assert rows[0]["rank_ic_low"] < rows[0]["rank_ic_mean"] < rows[0]["rank_ic_high"]
    wanted = ("coverage", "minimum_detectable_effect", "neutral_rank_ic_t", "p_at_10pct_random", "ndcg_at_10pct",
              "wil_at_10pct", "spread_net", "hit_rate_low", "rmse_naive", "unique_ratio", "turnover")  # fmt: skip
    assert all(row[name] is not None for row in rows for name in wanted)
    assert set(said["parts"]) == {"month", "regime", "sector", "size"} - (
        {"size"} if "size" not in said["parts"] else set()
    )
    assert {row["group"] for row in said["parts"]["sector"]} == {"0050", "3650"}
    assert len(said["deciles"]) == 30


def test_one_model_is_shown_in_full_and_its_days_can_be_kept(folder, tmp_path):
    told = asked(
        folder, "evaluate", "--model", "lightgbm", "--from", str(SESSIONS[20]), "--out", f"{tmp_path}/days.csv"
    )
    for heading in ("neutralised RankIC", "by month", "by sector", "by regime", "tenth of the list", "detectable"):
        assert heading in told.stdout or heading == "detectable", told.stdout
    days = pl.read_csv(tmp_path / "days.csv", try_parse_dates=True)
    assert days["session"].min() == SESSIONS[20]
    assert {"rank_ic", "spread", "coverage", "turnover"} <= set(days.columns)


def test_served_and_shadow_lists_are_evidence_too_and_sealed_sessions_are_called_a_live_record(folder):
    told = asked(folder, "evaluate", "--model", "served", "--model", "shadow:lightgbm")
    assert "served" in told.stdout
    assert "shadow:lightgbm" in told.stdout
    assert "hold-out" not in told.stdout, "none of these sessions is sealed"
    found = assess(open_store(f"file://{folder}"), ["served"], Asked(), GateConfig(resamples=100))
    words = f"{DAYS - 1 - HORIZON_D - 60} sessions lie in the frozen hold-out (from {SESSIONS[60]}): a live record"
    assert any(one.startswith(words) for one in remarks(found, SESSIONS[60]))


def test_intervals_that_were_served_are_held_against_what_happened(folder):
    rows = json.loads(asked(folder, "evaluate", "--model", "served", "--json").stdout)["calibration"]
    assert sorted({row["quantile"] for row in rows}) == [0.1, 0.9]
    assert {row["bucket"] for row in rows} == {"1", "2", "3", "4", "5"}, "by fifth of volatility"
    assert {row["n_days"] for row in rows} == {DAYS - 1 - HORIZON_D}
    assert all(abs(row["gap"]) < 0.05 for row in rows)
    assert "served intervals against excess returns" in asked(folder, "evaluate", "--model", "served").stdout
    assert "no intervals were served" in asked(folder, "evaluate", "--model", "lightgbm").stdout


def test_a_comparison_is_the_gates_own_pairing(folder):
    said = json.loads(asked(folder, "compare", "apex_ranker", "lightgbm", "--json").stdout)
    store = open_store(f"file://{folder}")
    walk = scores_from_table(store.tables.scan(SCORES).collect())
    labels = store.tables.scan(LABELS).filter(pl.col("available_at").dt.date() <= CUTOFF).collect()
    verdict = decide(
        walk.filter(model="apex_ranker"), walk.filter(model="lightgbm"), None, None, labels, None, GateConfig(),
        GateContext(universe=store.tables.scan(UNIVERSE).collect()),
    )  # fmt: skip
    assert said["n_days"] == verdict.n_days
    assert (said["difference"]["mean"], said["difference"]["low"], said["difference"]["high"]) == verdict.edge
    assert said["detectable"] == verdict.minimum_detectable_effect
    assert said["settles_registered"] == verdict.sessions_needed
    assert said["difference"]["low"] > 0
    assert said["words"] == "apex_ranker is better than lightgbm on these days"
    assert said["luck"]["overfitting"]["n_configurations"] == 3
    assert said["luck"]["deflated"] is None


def test_what_cannot_be_told_apart_says_how_long_it_would_take_and_trials_deflate(folder):
    told = asked(folder, "compare", "served", "shadow:lightgbm", "--to", str(SESSIONS[40])).stdout
    assert "no difference is shown" in told or "is better than" in told
    assert "more sessions" in told or "settled" in told
    assert "the trial ledger is empty" in told
    rng = np.random.default_rng(0)
    at = datetime.combine(CUTOFF, time(19), JST)
    rows = trial_rows([(Trial("m", "c", "f", seed), rng.normal(size=90)) for seed in range(6)], recorded_at=at)
    record_trials(open_store(f"file://{folder}"), rows, commit=WHO)
    assert "6 trials were ever logged" in asked(folder, "compare", "apex_ranker").stdout


BAD = {
    "an unknown model": (("evaluate", "--model", "nobody"), ConfigError, "one of apex_ranker, lightgbm, random"),
    "an unknown side": (("compare", "apex_ranker", "nobody"), ConfigError, "one of apex_ranker"),
    "a horizon nobody scored": (("evaluate", "--horizon", "20"), EvaluationError, "horizons [5]"),
    "a comparison at it": (("compare", "apex_ranker", "--horizon", "20"), EvaluationError, "want horizon 20"),
    "a walk nobody made": (("evaluate", "--cutoff", "2001-01-09"), PartitionMissingError, f"walks of {CUTOFF}"),
    "sessions without scores": (("evaluate", "--from", "2031-01-06"), EvaluationError, "Widen the range"),
    "a range turned round": (("evaluate", "--from", "2024-02-01", "--to", "2024-01-05"), EvaluationError, "an end on"),
    "undecided sessions alone": (("evaluate", "--model", "served", "--from", str(SESSIONS[-2])), EvaluationError,
                                 "none with a known outcome"),
    "a file of another kind": (("evaluate", "--out", "days.xlsx"), ConfigError, "ends in .csv"),
    "a version nobody trained": (("evaluate", "--open-holdout", "lightgbm", "v1"), Exception, "lightgbm v1"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "words"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_asked_is_named(folder, arguments, error, words):
    refused = asked(folder, *arguments).exception
    assert isinstance(refused, error)
    assert words in str(refused)


def test_a_version_of_another_configuration_does_not_open_the_hold_out(folder):
    store = open_store(f"file://{folder}")
    store.artefacts.save("lightgbm", "v7", {"model.txt": b"x"}, {"config_hash": "another", "feature_hash": "f"})
    refused = asked(folder, "evaluate", "--open-holdout", "lightgbm", "v7").exception
    assert isinstance(refused, ConfigError)
    assert "a version of configuration another" in str(refused)
    assert openings(store).is_empty()


def test_a_place_without_any_score_says_what_to_run(tmp_path):
    refused = asked(tmp_path, "evaluate").exception
    assert isinstance(refused, ConfigError)
    assert "gogoku demo" in refused.remedy
