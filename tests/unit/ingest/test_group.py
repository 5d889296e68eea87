"""Several sources in one go: what the plan lacks is switched off, what fails is named, the rest is landed."""

from datetime import timedelta

import pytest

from gogoku_pipeline.core.errors import ConfigError, CredentialsError, PlanError, ServerError
from gogoku_pipeline.ingest import SourcesFailedError, exclusive_key, fetch_sessions
from gogoku_pipeline.simulator.faults import ServerFailure, When
from tests.unit.ingest.fetching import bars, group

SOME = ["calendar", "listed_issues", "daily_bars", "topix", "statements", "short_ratio", "breakdown", "margin_alerts"]


def test_every_budget_is_used_and_reports_come_in_the_order_of_asking(evening):
    with evening() as e:
        days = e.market.sessions[-12:-2]
        reports = e.run(group(e.store, [*SOME, "statement_details"], days), plan="premium")
        assert [report.source for report in reports] == [*SOME, "statement_details"]
        assert all(report.rows for report in reports if report.source not in ("statements", "statement_details"))
        assert reports[4].utilisation.requests >= 10
        assert reports[4].utilisation.requests < reports[2].utilisation.requests
        calls = len(e.calls())
        again = e.run(group(e.store, [*SOME, "statement_details"], days), plan="premium")
        assert {report.source for report in again if report.fetched_pages} == {"calendar", "topix"}
        assert len(e.calls()) == calls + 2


def test_a_source_the_plan_lacks_is_asked_once_a_week_and_again_with_another_plan(evening):
    with evening() as e:
        days = e.market.sessions[-40:-30]
        light = {"key": "simulator-light-key"}
        reports = e.run(group(e.store, SOME, days), **light)
        assert [report.source for report in reports if report.not_in_plan] == [
            "short_ratio",
            "breakdown",
            "margin_alerts",
        ]
        assert len(e.calls("breakdown")) == 1
        assert e.store.raw.requests("breakdown").select("status", "row_count").rows() == [(403, 0)]
        again = e.run(group(e.store, SOME, days), **light)
        assert [report.not_in_plan for report in again] == [report.not_in_plan for report in reports]
        assert len(e.calls("breakdown")) == 1
        e.clock.advance_to(e.clock.now() + timedelta(days=8))
        e.run(group(e.store, ["breakdown"], days), **light)
        assert len(e.calls("breakdown")) == 2
        richer = e.run(group(e.store, ["breakdown"], days))
        assert (richer[0].not_in_plan, richer[0].rows > 0) == (False, True)


def test_a_source_that_only_the_register_believes_in_is_asked_once(evening):
    refused = ServerFailure(When(path="/equities/valuation", times=None), status=400)
    with evening(refused) as e:
        days = e.market.sessions[-30:-20]
        with pytest.raises(SourcesFailedError, match="valuation"):
            e.run(group(e.store, ["valuation", "daily_bars"], days), plan="premium")
        assert len(e.calls("/equities/valuation")) == 1


def test_one_failing_source_is_named_with_its_words_and_stops_no_other(evening):
    broken = ServerFailure(When(path="/markets/short-ratio", times=6))
    with evening(broken) as e:
        days = e.market.sessions[-6:-5]
        with pytest.raises(SourcesFailedError, match=r"short_ratio \(1 of 8 sources\).*HTTP 500.*Run again") as caught:
            e.run(group(e.store, SOME, days), plan="premium")
        assert isinstance(caught.value.failures["short_ratio"], ServerError)
        assert [report.source for report in caught.value.reports] == [name for name in SOME if name != "short_ratio"]
        assert e.store.raw.requests("breakdown").height == 1
        reports = e.run(group(e.store, SOME, days), plan="premium")
        assert {report.source for report in reports if report.rows} >= {"short_ratio"}


def test_a_day_not_yet_published_is_reported_by_a_group(evening):
    with evening() as e:
        today = e.market.sessions[-1]
        options, prices = e.run(group(e.store, ["index_options", "daily_bars"], [today]), plan="premium")
        assert (options.not_yet, options.fetched_pages) == ([today], 0)
        assert prices.rows > 0


def test_two_fetches_of_one_key_do_not_run_at_once_and_the_second_finds_everything(evening, tmp_path):
    with evening() as e:
        days, locks = e.market.sessions[-4:-2], tmp_path / "locks"

        async def fingerprint(client):
            return client.key_fingerprint

        with exclusive_key(locks, e.run(fingerprint, plan="premium")), pytest.raises(ConfigError, match="in use by"):
            e.run(group(e.store, SOME, days, lock_dir=locks), plan="premium")
        e.run(group(e.store, SOME, days, lock_dir=locks), plan="premium")
        second = e.run(group(e.store, SOME, days, lock_dir=locks), plan="premium")
        assert [report.fetched_pages for report in second if report.source not in ("calendar", "topix")] == [0] * 6


def test_no_sessions_cost_no_call(evening):
    with evening() as e:
        assert [report.requested for report in e.run(group(e.store, SOME, []))] == [0] * 8
        assert e.calls() == []


def test_a_plan_downgraded_in_mid_run_keeps_what_landed_and_says_so(evening):
    with evening() as e:
        days = e.market.sessions[-40:-10]

        class Downgrade:
            def advance(self, n, text):
                e.server.set_plan("simulator-premium-key", "light")

        def fetch(client):
            return fetch_sessions(client, e.store, "breakdown", days, run_id="r", progress=Downgrade(), bulk=False)

        with pytest.raises(PlanError, match="not available on your subscription"):
            e.run(fetch, plan="premium")
        landed = e.store.raw.requests("breakdown").height
        assert 0 < landed < 30
        e.server.set_plan("simulator-premium-key", "premium")
        report = e.run(bars(e.store, days, source="breakdown"), plan="premium")
        assert report.fetched_pages == 30 - landed


def test_a_key_revoked_in_mid_run_stops_every_source_and_a_new_key_completes(evening):
    with evening() as e:
        days, names = e.market.sessions[-40:-10], ["daily_bars", "breakdown", "statements"]

        class Revocation:
            def advance(self, n, text):
                e.server.revoke("simulator-premium-key")

        with pytest.raises(CredentialsError, match="invalid or expired"):
            e.run(group(e.store, names, days, progress=Revocation()), plan="premium")
        landed = sum(e.store.raw.requests(name).height for name in names)
        assert 0 < landed < 90
        refused = sum(request.status == 403 for request in e.calls())
        reports = e.run(group(e.store, names, days), key="simulator-key")
        assert sum(report.skipped_complete for report in reports) == landed
        assert not any(report.not_in_plan for report in reports)
        assert refused < 90
