"""The register knows every source, and refuses a query the service would refuse before it costs a call."""

import pytest
from jquantsapi.enums import BulkEndpoint

from gogoku_pipeline.core.errors import RequestError
from gogoku_pipeline.jquants import BUDGETS, ENDPOINTS, PLANS, endpoint
from gogoku_pipeline.schema.register import SOURCES

DAY = "2024-05-08"
RANGE = {"from": "2024-05-01", "to": DAY}


def test_every_declared_source_has_an_endpoint():
    assert set(ENDPOINTS) == set(SOURCES)
    assert all(ENDPOINTS[name].source is SOURCES[name] for name in SOURCES)


def test_every_source_asked_by_day_names_the_parameter_of_the_day():
    by_day = [item for item in ENDPOINTS.values() if item.axis == "day"]
    assert all(item.day_parameter in item.parameters for item in by_day)
    for item in by_day:
        item.check({item.day_parameter: DAY})
    assert {item.day_parameter for item in ENDPOINTS.values() if item.axis != "day"} == {""}
    assert endpoint("short_positions").day_parameter == "disc_date"


def test_only_what_has_a_date_comes_as_files():
    assert {name for name, item in ENDPOINTS.items() if not item.has_bulk} == {"morning_bars", "earnings_calendar"}


def test_the_official_client_knows_the_same_files():
    published = {item.value for item in BulkEndpoint}
    ours = {item.source.path: item.has_bulk for item in ENDPOINTS.values()}
    assert {path for path, has_bulk in ours.items() if has_bulk} == published & set(ours)


def test_disclosures_have_budgets_of_their_own_and_never_more_than_sixty_a_minute():
    own = {name: item.budget for name, item in ENDPOINTS.items() if item.budget != "plan"}
    assert own == {"statements": "statements", "statement_details": "statement_details"}
    rates = {name: [plan.rate(budget) for budget in BUDGETS] for name, plan in PLANS.items()}
    assert rates == {
        "free": [5, 5, 5],
        "light": [60, 60, 60],
        "standard": [120, 60, 60],
        "premium": [500, 60, 60],
    }


@pytest.mark.parametrize(
    ("source", "params"),
    [
        ("listed_issues", {}),
        ("listed_issues", {"code": "7203", "date": DAY}),
        ("calendar", {"hol_div": "1", **RANGE}),
        ("daily_bars", {"code": "72030", **RANGE}),
        ("daily_bars", {"code": "72030", "date": "20240508"}),
        ("investor_types", {}),
        ("investor_types", {"section": "TSEPrime", "from": DAY}),
        ("earnings_calendar", {}),
        ("earnings_dates", {"scheduled_date": DAY}),
        ("statements", {"date": DAY, "cursor": "a.b"}),
        ("short_ratio", {"s33": "0050", **RANGE}),
        ("short_positions", {"code": "7203", "disc_date_from": DAY}),
        ("short_positions", {"calc_date": DAY, "code": "7203"}),
        ("margin_interest", {"published_date": DAY, "code": "7203"}),
        ("options", {"date": DAY, "category": "EQOP", "code": "72030"}),
        ("morning_bars", {"code": "72030"}),
    ],
)
def test_what_the_service_answers_passes(source, params):
    endpoint(source).check(params)


@pytest.mark.parametrize(
    ("source", "params", "words"),
    [
        ("daily_bars", {}, "at least one of"),
        ("daily_bars", RANGE, "at least one of"),
        ("daily_bars", {"date": DAY, **RANGE}, "date and from"),
        ("daily_bars", {"date": "2024-02-30"}, "real date"),
        ("daily_bars", {"date": "2024-W19-3"}, "real date"),
        ("daily_bars", {"code": "7203", "from": "yesterday"}, "real date"),
        ("breakdown", {"code": "7203", "date": DAY, "to": DAY}, "date and to"),
        ("topix", {"date": DAY}, "parameters"),
        ("earnings_calendar", {"date": DAY}, "parameters"),
        ("earnings_dates", {"code": "7203", "date": DAY}, "code and date"),
        ("earnings_dates", {}, "at least one of"),
        ("statements", {"code": "7203", "from": DAY}, "parameters"),
        ("statements", {"cursor": "a.b"}, "at least one of"),
        ("short_ratio", {"code": "7203"}, "parameters"),
        ("short_positions", {"disc_date_from": DAY, "disc_date_to": DAY}, "at least one of"),
        ("short_positions", {"disc_date": DAY, "calc_date": DAY}, "disc_date and calc_date"),
        ("short_positions", {"code": "7203", "calc_date": DAY, "disc_date_to": DAY}, "calc_date and disc_date_to"),
        ("margin_interest", {"published_date": DAY, "date": DAY}, "published_date and date"),
        ("margin_interest", {"code": "7203", "published_date": DAY, "from": DAY}, "published_date and from"),
        ("options", {"date": DAY, "code": "72030"}, "code without category"),
        ("options", {"category": "EQOP"}, "at least one of"),
        ("index_options", {"date": DAY, "code": "x"}, "parameters"),
    ],
)
def test_what_the_service_refuses_costs_no_call(source, params, words):
    with pytest.raises(RequestError, match=words):
        endpoint(source).check(params)


def test_an_unknown_source_is_named():
    with pytest.raises(RequestError, match="'prices'.*daily_bars"):
        endpoint("prices")
