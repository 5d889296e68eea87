"""The whole road at its smallest, by the command a newcomer types; then every question a person asks of it."""

import os
import re
import signal
import subprocess
import time
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from gogoku.definitions import build_definitions
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.registry.backtest_tables import ACCOUNTS
from gogoku_pipeline.registry.tables import CHAMPIONS, GATE, PREDICTIONS
from gogoku_pipeline.schema.daily_bars import TABLE as BARS
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.tables.ledger import LEDGER
from resources.compute import NETWORKS
from tests.flow.command_line import SCRIPT, environment, gogoku

EVENING_ONLY = {"model__lightgbm", "model__apex_ranker", "model__atft_gat_fan", "eval__gate", "pred__daily"}


def landings(tiny):
    return {source: tiny.store.raw.requests(source) for source in SOURCES}


def materialisations(tiny):
    with dg.DagsterInstance.from_config(str(tiny.home / "dagster")) as instance:
        records = instance.fetch_materializations
        return {
            key.to_user_string(): len(records(key, limit=5_000).records) for key in sorted(instance.all_asset_keys())
        }


def test_the_demo_walks_every_stage_and_ends_well(tiny):
    assert tiny.said.code == 0, tiny.said.err
    titles = [title for _, title in tiny.said.stages]
    assert titles[0] == "fetch over HTTP" and titles[-1] == "report" and len(titles) == 15
    assert all(words != "done" for words, _ in tiny.said.stages)


def test_the_demo_ends_with_verdict_ranking_report_predictions_and_the_way_to_the_lineage(tiny):
    out = tiny.said.out
    contests = tiny.store.tables.scan(GATE).select("challenger", "baseline", "decision").unique().collect()
    assert set(contests["challenger"]) == set(NETWORKS) and contests.height == len(NETWORKS)
    for challenger, baseline, decision in contests.rows():
        assert baseline in ("lightgbm", "lightgbm_lambdarank")
        assert "The gate's verdict" in out and f"{challenger} against {baseline}: {decision.upper()}" in out
    assert re.search(r"Tonight, \d{4}-\d\d-\d\d: \d+ stocks by \w+", out)
    assert "gogoku predictions" in out
    assert re.search(r"the lineage +make dev +\(http://127\.0\.0\.1:3000\)", out)
    (predictions,) = re.findall(r"predictions  (/\S+)", out)
    assert Path(predictions) == tiny.home / "data" / "tables" / "pred__daily" and Path(predictions).is_dir()


def test_the_report_holds_verdict_oracle_and_ranking(tiny):
    (where,) = re.findall(r"report  (/\S+\.html)", tiny.said.out)
    page = Path(where).read_text()
    verdicts = tiny.store.tables.scan(GATE).select("challenger", "decision").unique().collect()
    best = tiny.store.tables.scan(PREDICTIONS).sort("rank").head(10).collect()
    for challenger, decision in verdicts.rows():
        assert f'<h3>{challenger} <span class="tag {decision}">{decision}</span>' in page
    assert "oracle" in page.lower()
    assert all(code in page for code in best["code"])
    for section in ("gate", "models", "edge", "champions", "why", "importance", "backtest", "training", "data"):
        assert f'<section id="{section}">' in page, section
    traded = tiny.store.tables.scan(ACCOUNTS).collect()
    contest = tiny.store.tables.scan(GATE).select("challenger", "baseline").unique().collect()
    assert set(traded["scores"]) == {*contest["challenger"], *contest["baseline"]} and "No backtest yet" not in page
    assert not re.search(r"""(src|href)=["']https?://""", page)


def test_every_partitioned_asset_has_all_its_sessions(tiny):
    first, last = date.fromisoformat(tiny.note.start), date.fromisoformat(tiny.note.end)
    every = {session.isoformat() for session in tse_calendar().between(first, last)}
    graph = build_definitions(start=first, end=last).resolve_asset_graph()
    with dg.DagsterInstance.from_config(str(tiny.home / "dagster")) as instance:
        filled = {
            key.to_user_string(): instance.get_materialized_partitions(key) for key in graph.materializable_asset_keys
        }
        whole = [name for name, keys in filled.items() if not graph.get(dg.AssetKey(name)).is_partitioned]
        assert all(instance.get_latest_materialization_event(dg.AssetKey(name)) for name in whole)
    partitioned = {name: keys for name, keys in filled.items() if name not in whole}
    assert len(every) == 160 and len(partitioned) == 25 and len(whole) == 29
    for name, keys in partitioned.items():
        nights = every - {last.isoformat()} if name == "raw_jquants__overnight" else every
        assert keys == ({last.isoformat()} if name in EVENING_ONLY else nights), name
    for family in families():
        assert {day.isoformat() for day in tiny.store.tables.sessions(family_table(family))} == every


def test_every_source_was_asked_for_and_no_url_holds_a_key(tiny):
    urls = pl.concat([index.select("source", "url") for index in landings(tiny).values()]).unique()
    assert set(urls["source"]) == set(SOURCES)
    asked = {re.sub(r"http://127\.0\.0\.1:\d+/v2", "", url) for url in urls["url"]}
    assert {source.path for source in SOURCES.values()} - asked <= {"/equities/valuation", "/equities/master"}
    assert not any("?" in url or "key" in url or "Signature" in url for url in urls["url"])


def test_every_raw_row_of_every_source_is_in_its_table_or_accounted_for(tiny):
    ledger = tiny.store.tables.scan(LEDGER).collect().sort("typed_at").group_by("source", "session").last()
    for source, table in TABLE_OF.items():
        counted = ledger.filter(source=source)
        held = tiny.store.tables.scan(table).collect().height
        sums = counted.select("table_rows", "raw_rows", "rejected", "duplicates", "early", "carried").sum()
        row = sums.row(0, named=True)
        assert held == row["table_rows"], source
        assert row["raw_rows"] + row["carried"] == held + row["rejected"] + row["duplicates"] + row["early"], source
        assert row["rejected"] == 0 and (held > 0 or source == "earnings_calendar"), source


def test_the_leak_audit_holds_on_the_young_market(tiny):
    audits = tiny.store.tables.scan(GATE).collect().filter(criterion="leak_audit")
    assert audits.height == len(NETWORKS) and audits["is_passed"].all(), audits["words"].to_list()


def test_a_rejection_stands_in_the_history_of_verdicts(tiny):
    gate = tiny.store.tables.scan(GATE).select("challenger", "decision").unique().collect()
    verdicts = tiny.store.tables.scan(CHAMPIONS).select("model", "decision").collect()
    assert sorted(verdicts.rows()) == sorted(gate.rows()) and verdicts.height == len(NETWORKS)


def test_running_again_resumes_and_repeats_nothing(tiny):
    landed, made = landings(tiny), materialisations(tiny)
    predictions = tiny.store.tables.scan(PREDICTIONS).collect()
    began = time.monotonic()
    again = gogoku(tiny.folder, "demo", "--size", "tiny")
    assert again.code == 0, again.err
    assert [words for words, _ in again.stages] == ["done"] * len(tiny.said.stages)
    assert time.monotonic() - began < 60
    assert all(index.equals(landed[source]) for source, index in landings(tiny).items())
    assert materialisations(tiny) == made
    assert tiny.store.tables.scan(PREDICTIONS).collect().equals(predictions)


def test_predictions_are_json_in_order_of_rank(tiny):
    rows = gogoku(tiny.folder, "predictions", "--json", "--top", "7").json
    assert [row["rank"] for row in rows] == list(range(1, 8))
    assert {row["session"] for row in rows} == {tiny.note.end}
    assert {"code", "score", "model", "model_version", "feature_hash", "table_versions", "served_because"} <= rows[
        0
    ].keys()


def test_predictions_of_one_issue_are_found_by_four_or_five_characters(tiny):
    best = tiny.store.tables.scan(PREDICTIONS).sort("rank").head(1).collect()["code"][0]
    (row,) = gogoku(tiny.folder, "predictions", "--json", "--code", best[:4] if best.endswith("0") else best).json
    assert (row["code"], row["rank"]) == (best, 1)


def test_an_issue_and_a_session_without_predictions_are_named(tiny):
    said = gogoku(tiny.folder, "predictions", "--code", "9999")
    assert said.code == 1 and said.out == ""
    assert said.complaint[0] == f"DataError issue 99990 on {tiny.note.end}"
    said = gogoku(tiny.folder, "predictions", "1999-01-04")
    assert said.code == 1
    assert said.complaint[0] == "PartitionMissingError predictions of 1999-01-04"
    assert tiny.note.end in said.complaint[2]


def test_an_issue_a_table_and_a_feature_are_described(tiny):
    code = tiny.store.tables.scan(PREDICTIONS).sort("rank").head(1).collect()["code"][0]
    assert f"{code}  SIM {code} CORPORATION" in gogoku(tiny.folder, "describe", code).out
    assert "adjustment_factor" in gogoku(tiny.folder, "describe", BARS.name).out
    assert "m[t] / m[t-5] - 1" in gogoku(tiny.folder, "describe", "ret_5d").out


def test_unknown_names_end_with_one_and_say_what_would_do(tiny):
    for arguments, thing, want in (
        (("describe", "nobody"), "ConfigError describe 'nobody'", "core_jquants__daily_bars"),
        (("fetch", "nosuch", "2020-06-01"), "RequestError source 'nosuch'", "daily_bars"),
        (("demo", "--size", "huge"), "ConfigError market size", "tiny"),
    ):
        said = gogoku(tiny.folder, *arguments)
        assert said.code == 1, (arguments, said)
        assert thing in said.complaint[0] and want in said.complaint[2], said.complaint


def test_wrong_usage_ends_with_two(tiny):
    for arguments, words in (
        (("fetch", "daily_bars", "yesterday"), "yesterday"),
        (("features", "--plan", "gold"), "choose one of free, light, standard, premium"),
        (("demo", "--plan", "free"), "choose light"),
        (("nosuch",), "No such command"),
    ):
        said = gogoku(tiny.folder, *arguments)
        assert said.code == 2 and words in said.err, (arguments, said)


def test_features_of_a_plan_are_json_with_whole_formulas(tiny):
    rows = {row["name"]: row for row in gogoku(tiny.folder, "features", "--json", "--plan", "light").json}
    assert {row["plan"] for row in rows.values()} <= {"Free", "Light"}
    assert rows["ret_1d"]["formula"].startswith("c[t] / c[t-1]")
    free = gogoku(tiny.folder, "features", "--json", "--plan", "free").json
    assert len(free) < len(rows)
    assert "c[t] / c[t-1]" in gogoku(tiny.folder, "features", "--group", "returns").out.replace("\n", " ")


def test_the_report_can_be_written_again_from_what_is_stored(tiny):
    said = gogoku(tiny.folder, "report", "--out", "page.html")
    assert said.code == 0, said.err
    page = (tiny.folder / "page.html").read_text()
    assert "oracle" in page.lower() and "lightgbm" in page


def test_the_doctor_knows_the_demo(tiny):
    answers = {answer["question"]: answer for answer in gogoku(tiny.folder, "doctor", "--json").json}
    assert answers["place"]["words"] == "the demo's data"
    assert answers["store"]["state"] == "ok"
    assert answers["service"]["state"] == "note"


def killed(folder, after, pause):
    """Start the demo, wait for a line and a moment, pull the plug."""
    log = folder / "killed.log"
    with log.open("w") as out:
        started = subprocess.Popen(
            [SCRIPT, "demo", "--size", "tiny"],
            cwd=folder,
            env=environment(folder),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 300
        while after not in log.read_text():
            assert started.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        time.sleep(pause)
        assert started.poll() is None
        os.killpg(started.pid, signal.SIGKILL)
        started.wait(timeout=30)


@pytest.mark.slow
def test_a_demo_killed_twice_ends_like_one_left_alone(tiny, tmp_path):
    killed(tmp_path, "Tokyo market", 5.0)
    killed(tmp_path, "fetch over HTTP", 4.0)
    again = gogoku(tmp_path, "demo", "--size", "tiny")
    assert again.code == 0, again.err
    assert dict(map(reversed, again.stages))["fetch over HTTP"] == "done"
    mine, theirs = (gogoku(folder, "predictions", "--json").json for folder in (tmp_path, tiny.folder))
    assert [(row["code"], row["score"]) for row in mine] == [(row["code"], row["score"]) for row in theirs]
