"""An empty table passes with a note while the plan lacks its source, and fails in every other case."""

from datetime import date, datetime

import pytest

from assets.asking import COMPLETE, SCHEMA, UNITS
from assets.checks import Scope, evaluations
from assets.raw import counts
from assets.source_checks import unless_empty
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.ingest import FetchReport
from gogoku_pipeline.schema import topix
from gogoku_pipeline.store import RawPage, open_store
from resources.compute import Compute

DAY = date(2024, 5, 8)
NOTICE = "topix: not in the plan, switched off"


def landed(store, status, rows, hour):
    store.raw.land(
        RawPage(
            source="topix",
            params={"from": DAY.isoformat()},
            event_date=None,
            payload=f"answer {status} {rows}".encode(),
            row_count=rows,
            page_number=1,
            pagination_key_next=None,
            url="https://example.invalid/topix",
            status=status,
            fetched_at=datetime(2024, 5, 8, hour, tzinfo=JST),
            field_names=(),
            fetch_id=f"walk-{hour}",
            run_id="test",
        )
    )


def verdict(check, store, folder):
    scope = Scope(topix.TABLE, topix.TABLE.empty(), [DAY], store, Compute(cache_dir=folder, first_session=DAY), True)
    *_, last = evaluations(unless_empty("topix", check), scope)
    return last.passed, last.description


@pytest.mark.parametrize("check", [SCHEMA, COMPLETE, UNITS], ids=lambda check: check.name)
def test_an_empty_table_passes_exactly_while_the_plan_lacks_its_source(check, tmp_path):
    store = open_store(f"file://{tmp_path / 'data'}")
    assert not verdict(check, store, tmp_path)[0]
    landed(store, 403, 0, 17)
    assert verdict(check, store, tmp_path) == (True, NOTICE)
    landed(store, 200, 0, 18)
    assert not verdict(check, store, tmp_path)[0]
    landed(store, 403, 0, 19)
    assert verdict(check, store, tmp_path) == (True, NOTICE)
    landed(store, 200, 1, 20)
    landed(store, 403, 0, 21)
    assert not verdict(check, store, tmp_path)[0]


def test_the_numbers_of_a_fetch_say_that_the_plan_lacks_the_source():
    assert NOTICE in counts([FetchReport("topix", 1, not_in_plan=True)])["notices"].value
    assert "notices" not in counts([FetchReport("topix", 1)])
