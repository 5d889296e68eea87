"""What a fetch will cost, said before it starts."""

from datetime import date

import pytest

from gogoku_pipeline.core.errors import ConfigError, RequestError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest import estimate_calls, steps
from gogoku_pipeline.jquants import PLANS
from gogoku_pipeline.schema.register import SOURCES
from tests.unit.ingest.fetching import Watcher, group

TODAY = date(2024, 5, 8)
FIVE_YEARS = tse_calendar().between(date(2019, 5, 9), TODAY)


@pytest.mark.parametrize(
    ("plan", "sources", "calls", "minutes"),
    [
        ("premium", ["daily_bars"], len(FIVE_YEARS), len(FIVE_YEARS) / 500),
        ("light", ["daily_bars", "listed_issues"], 2 * len(FIVE_YEARS), 2 * len(FIVE_YEARS) / 60),
        ("light", ["topix", "calendar"], 2, 2 / 60),
        ("free", ["topix", "calendar"], 1, 1 / 5),
        ("free", [], 0, 0),
    ],
)
def test_days_cost_a_call_each_and_ranges_one(plan, sources, calls, minutes):
    estimate = estimate_calls(plan, sources, FIVE_YEARS)
    assert (estimate.calls, estimate.minutes) == (calls, pytest.approx(minutes))


def test_what_the_plan_does_not_cover_costs_nothing():
    free = estimate_calls(PLANS["free"], ["daily_bars"], FIVE_YEARS, today=TODAY)
    first, last = PLANS["free"].window(TODAY)
    assert free.calls == len([day for day in FIVE_YEARS if first <= day <= last])
    assert 480 < free.calls < 500
    assert estimate_calls("light", ["daily_bars"], FIVE_YEARS, today=TODAY).calls == len(FIVE_YEARS)


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match="GOGOKU_PLAN"):
        estimate_calls("gold", ["daily_bars"], FIVE_YEARS)
    with pytest.raises(RequestError, match="unknown"):
        estimate_calls("free", ["bars"], FIVE_YEARS)


def test_every_source_has_a_price_on_every_plan():
    decade = tse_calendar().between(date(2014, 5, 9), TODAY)
    calls = {
        plan: {name: estimate_calls(plan, [name], decade, today=TODAY).calls for name in SOURCES} for plan in PLANS
    }
    assert all(calls["premium"].values())
    assert [name for name, n in calls["free"].items() if n] == [
        name for name, source in SOURCES.items() if source.lowest_plan == "free"
    ]
    weekends = (TODAY - date(2014, 5, 8)).days
    assert calls["premium"]["short_positions"] == weekends
    assert calls["premium"]["margin_interest"] < 530
    assert calls["premium"]["breakdown"] < calls["premium"]["daily_bars"]


def test_budgets_run_side_by_side():
    both = estimate_calls("premium", ["daily_bars", "statements"], FIVE_YEARS)
    assert both.minutes == pytest.approx(estimate_calls("premium", ["statements"], FIVE_YEARS).minutes)
    assert both.minutes > estimate_calls("premium", ["daily_bars"], FIVE_YEARS).minutes


def test_files_make_ten_years_of_bars_cheap():
    decade = tse_calendar().between(date(2014, 6, 2), date(2024, 5, 31))
    by_file = estimate_calls("premium", ["daily_bars"], decade, today=date(2024, 6, 12), bulk=True)
    assert by_file.calls == 121
    assert estimate_calls("free", ["daily_bars"], decade, today=date(2024, 6, 12), bulk=True).calls > 400


@pytest.mark.parametrize("plan", ["premium", "light"])
@pytest.mark.parametrize("source", ["daily_bars", "short_positions", "topix", "index_options", "earnings_calendar"])
def test_progress_is_told_as_often_as_announced(evening, source, plan):
    with evening() as e:
        days, watcher = e.market.sessions[-50:-2] if source != "index_options" else e.market.sessions[-3:], Watcher()
        for _ in range(2):
            wish = group(e.store, [source], days, progress=watcher, bulk=True)
            e.run(wish, plan=plan, key=f"simulator-{plan}-key")
        assert sum(n for n, _ in watcher.seen) == 2 * steps(source, days)
