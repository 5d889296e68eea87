"""Every status the service may answer with: an error of its own kind or a wait; what landed stays, a rerun completes.

The forms are those of J-Quants V2 (response-status page, and messages observed by its users). What a plan lacks, by
endpoint (403) or by date (400), is no error and has its own tests in test_missing.py and test_group.py.
"""

import pytest

from gogoku_pipeline.core.errors import (
    CredentialsError,
    NotAvailableError,
    RateLimitError,
    RequestError,
    ServerError,
)
from gogoku_pipeline.simulator.faults import GatewayPage, ServerFailure, TooManyRequests, When
from tests.unit.ingest.fetching import BARS, bars, landed_rows

REFUSED = [
    (400, "This API requires at least 1 parameter as follows; date, code", RequestError, "Correct the parameters"),
    (400, "This API requires at least 1 parameter as follows; 'date','s33'.", RequestError, "Correct the parameters"),
    (400, "'code' must be 4 or 5 digits.", RequestError, "4 or 5 digits"),
    (401, "The incoming token is invalid or expired.", CredentialsError, "JQUANTS_API_KEY"),
    (403, "The api key is required.", CredentialsError, "JQUANTS_API_KEY"),
    (403, "The incoming api key is invalid or expired.", CredentialsError, "JQUANTS_API_KEY"),
    (403, "no active subscription", CredentialsError, "no active subscription"),
    (403, "The requested endpoint does not exist. Check the URL.", RequestError, "GOGOKU_API_URL"),
    (413, "Response data is too large. Specify parameters to reduce it.", RequestError, "too large"),
    (210, "", NotAvailableError, "not available now"),
]
"""Refused for good: asking again would answer the same."""


def second_of(days, fault, **forms):
    """A fault that strikes every answer for the second day until it has struck six times."""
    return fault(When(path=BARS, day=days[1], times=forms.pop("times", 6)), **forms)


@pytest.mark.parametrize(
    ("status", "message", "error", "words"), REFUSED, ids=[f"{row[0]} {row[1]}" for row in REFUSED]
)
def test_a_refusal_is_an_error_of_its_kind_and_asked_once(evening, market, status, message, error, words):
    days = market.sessions[:3]
    fault = second_of(days, ServerFailure, times=1, status=status, message=message)
    with evening(fault) as e:
        e.run(bars(e.store, days[:1]), plan="premium")
        with pytest.raises(error, match=words) as caught:
            e.run(bars(e.store, days), plan="premium")
        assert type(caught.value) is error
        assert f"daily_bars date={days[1]}" in caught.value.thing
        assert len([seen for seen in e.calls() if seen.status == status]) == 1
        completes(e, days)


@pytest.mark.parametrize(
    "fault",
    [
        *((ServerFailure, {"status": status}) for status in (500, 502, 503, 504)),
        *((GatewayPage, {"status": status}) for status in (500, 502, 503, 504)),
    ],
    ids=lambda fault: f"{fault[0].__name__} {fault[1]['status']}",
)
def test_a_server_that_stays_broken_is_reported_after_six_attempts(evening, market, fault):
    days, (kind, forms) = market.sessions[:3], fault
    with evening(second_of(days, kind, **forms)) as e:
        with pytest.raises(ServerError, match=f"HTTP {forms['status']}"):
            e.run(bars(e.store, days), plan="premium")
        assert len([seen for seen in e.calls() if seen.status == forms["status"]]) == 6
        completes(e, days)


def test_a_rate_limit_that_lasts_is_reported_and_the_rest_is_fetched_later(evening, market):
    days = market.sessions[:3]
    with evening(second_of(days, TooManyRequests, times=5)) as e:
        with pytest.raises(RateLimitError, match="wait five minutes"):
            e.run(bars(e.store, days), plan="premium")
        completes(e, days)


def completes(e, days):
    """What had landed is not asked again, and afterwards every row of every day is there once."""
    before = e.store.raw.requests("daily_bars").filter(e.store.raw.requests("daily_bars")["status"] == 200).height
    report = e.run(bars(e.store, days), plan="premium")
    assert (report.skipped_complete, report.fetched_pages) == (before, len(days) - before)
    rows = landed_rows(e.store)
    assert len(rows) == len(set(rows)) > 0
    assert sorted({day for day, _ in rows}) == [day.isoformat() for day in days]
