"""Resources: opened when first asked for and not before; secrets stay where they belong."""

import json
from dataclasses import replace
from datetime import date, datetime

import dagster as dg
import pytest
from pydantic import SecretStr

from assets.house import declared
from gogoku.definitions import build_definitions
from gogoku.sizes import first_of_plan
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import ConfigError, CredentialsError
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.monitoring.notify import Notifier
from jobs.asset_jobs import asset_jobs
from resources.alerting import HEARTBEAT, AlertNotDelivered, deliver, last_heartbeat, leave_heartbeat
from resources.compute import NETWORKS, Compute, NetworkDials
from resources.jquants import JQuants
from resources.lazy import Lazy
from resources.recipes import PanelNeeds, panel_needs, recipe

EVENING = VirtualClock(datetime(2024, 5, 8, 20, 0, tzinfo=JST), rate_scale=1000)


def test_a_lazy_part_is_made_once_and_only_when_asked_for():
    made = []
    part = Lazy(lambda: made.append(1) or object())
    assert made == []
    assert part.get() is part.get()
    assert made == [1]


def test_definitions_open_nothing(tmp_path):
    settings = Settings(data_url=f"file://{tmp_path}/data", cache_dir=tmp_path / "cache")
    dg.Definitions.validate_loadable(build_definitions(settings=settings, start=date(2024, 4, 1), clock=EVENING))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_an_error_at_the_first_request_and_not_before():
    lender = JQuants.from_settings(Settings(), EVENING)

    async def work(client):
        return client

    with pytest.raises(CredentialsError, match="JQUANTS_API_KEY"):
        lender.run(work)


@pytest.mark.parametrize(("plan", "first"), [("free", 2023), ("light", 2020), ("standard", 2015), (None, 2015)])
def test_without_a_start_the_axis_begins_with_a_year_the_plan_covers(plan, first):
    assert first_of_plan(Settings(plan=plan), EVENING) == date(first, 1, 1)


def test_schedules_run_by_themselves_only_with_a_key_and_a_growing_history():
    def statuses(**more):
        made = build_definitions(start=date(2024, 4, 1), clock=EVENING, **more).get_repository_def()
        return {schedule.default_status for schedule in made.schedule_defs}

    live = Settings(JQUANTS_API_KEY=SecretStr("some-key"))
    assert statuses(settings=live) == {dg.DefaultScheduleStatus.RUNNING}
    assert statuses(settings=Settings()) == {dg.DefaultScheduleStatus.STOPPED}
    assert statuses(settings=live, end=date(2024, 5, 8)) == {dg.DefaultScheduleStatus.STOPPED}


def test_no_secret_reaches_the_definitions(tmp_path):
    settings = Settings(
        JQUANTS_API_KEY=SecretStr("canary-api-key"),
        alert_webhook_url=SecretStr("https://hooks.example/canary-hook"),
        data_url=f"file://{tmp_path}/data",
    )
    definitions = build_definitions(settings=settings, start=date(2024, 4, 1), clock=EVENING)
    jobs = definitions.get_repository_def().get_all_jobs()
    shown = " ".join(repr(job.run_config_schema) + str(job.tags) + str(job.description) for job in jobs)
    resources = " ".join(repr(value) for value in definitions.resources.values())
    assert "canary" not in shown + resources


def test_an_alert_nobody_took_is_an_error_so_that_the_cursor_waits():
    closed = Notifier("http://127.0.0.1:9/hook", clock=EVENING, timeout_seconds=0.5)
    with pytest.raises(AlertNotDelivered, match="webhook"):
        deliver(closed, "coverage", "bars 2024-05-08", ["8 rows are missing"])
    deliver(Notifier(), "coverage", "bars 2024-05-08", ["logged, because no channel is configured"])


def test_a_heartbeat_says_when_alerts_were_last_watched(tmp_path):
    assert last_heartbeat(tmp_path / "cache") is None
    leave_heartbeat(tmp_path / "cache", EVENING)
    assert json.loads((tmp_path / "cache" / HEARTBEAT).read_text()) == {"alive_at": "2024-05-08T20:00:00+09:00"}
    assert last_heartbeat(tmp_path / "cache") == EVENING.now()


def test_a_recipe_has_the_size_of_the_deployment(tmp_path):
    compute = Compute(cache_dir=tmp_path, first_session=date(2024, 4, 1), preset="tiny", boosted={"rounds": 7})
    assert recipe("apex_ranker", compute).model.d_model == 16
    assert [one.config.rounds for one in recipe("lightgbm", compute).candidates] == [7, 7]
    assert recipe("atft_gat_fan", compute).name == recipe("atft_gat_fan", compute).family == "atft_gat_fan"
    with pytest.raises(ConfigError, match="transformer"):
        recipe("transformer", compute)


def test_a_deployment_names_the_networks_it_has_judged():
    both, one = ({one.name: one for one in declared("Premium", names)} for names in (NETWORKS, ("apex_ranker",)))
    assert set(both) - set(one) == {"model__atft_gat_fan"} and set(one) < set(both)
    assert EDGES.name not in one["data__panel"].deps and EDGES.name in both["data__panel"].deps
    for name in ("pred__daily", "registry__champions"):
        assert {f"model__{network}" for network in NETWORKS} <= set(both[name].deps), name
        assert "model__atft_gat_fan" not in one[name].deps, name
    trained = asset_jobs(("atft_gat_fan",)).retraining.selection
    assert "model__atft_gat_fan" in str(trained) and "model__apex_ranker" not in str(trained)
    assert all(f"model__{network}" in str(asset_jobs().retraining.selection) for network in NETWORKS)


def test_a_network_has_its_own_preset_shape_and_training_on_top_of_what_all_share(tmp_path):
    own = {"atft_gat_fan": NetworkDials("tiny", {"graph_heads": (), "hidden": 8}, {"epochs": 3})}
    compute = Compute(cache_dir=tmp_path, first_session=date(2024, 4, 1), training={"epochs": 5, "clip": 2.0})
    turned = replace(compute, networks=own)
    assert recipe("apex_ranker", turned).config_hash == recipe("apex_ranker", compute).config_hash
    made = recipe("atft_gat_fan", turned)
    assert (made.model.look_back, made.model.hidden, made.train.epochs, made.train.clip) == (8, 8, 3, 2.0)


def test_the_panel_holds_beside_it_what_any_challenger_reads(tmp_path):
    compute = Compute(cache_dir=tmp_path, first_session=date(2024, 4, 1))
    assert panel_needs(compute) == PanelNeeds(graphs=True, raw=())
    assert panel_needs(replace(compute, challengers=("apex_ranker",))) == PanelNeeds(graphs=False, raw=())
    dials = {"atft_gat_fan": NetworkDials(shape={"graph_heads": (), "raw_channels": ("ret_5d", "ret_1d")})}
    assert panel_needs(replace(compute, networks=dials)) == PanelNeeds(graphs=False, raw=("ret_1d", "ret_5d"))


@pytest.mark.parametrize(
    "change",
    [{"challengers": ()}, {"challengers": ("apex_ranker",) * 2}, {"challengers": ("ridge",)},
     {"networks": {"lightgbm": NetworkDials()}}],
)  # fmt: skip
def test_challengers_nobody_knows_or_named_twice_are_refused(tmp_path, change):
    with pytest.raises(ConfigError, match=r"Compute.challengers and Compute.networks"):
        Compute(cache_dir=tmp_path, first_session=date(2024, 4, 1), **change)
