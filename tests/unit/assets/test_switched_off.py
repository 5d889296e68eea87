"""An empty index table is a warning while the plan lacks the index, and an error in every other case."""

from datetime import date, datetime

import dagster as dg
import pytest

from assets.checks import Scope, evaluations
from assets.raw import counts
from assets.table_checks import COMPLETE, SCHEMA, UNITS, unless_switched_off
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.ingest import FetchReport
from gogoku_pipeline.schema import topix
from gogoku_pipeline.store import RawPage, open_store
from resources.compute import Compute

DAY = date(2024, 5, 8)
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
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
    *_, last = evaluations(unless_switched_off("topix", check), scope)
    return last.passed, last.severity, last.description


@pytest.mark.parametrize("check", [SCHEMA, COMPLETE, UNITS], ids=lambda check: check.name)
def test_an_empty_table_is_a_warning_exactly_while_the_plan_lacks_its_source(check, tmp_path):
    store = open_store(f"file://{tmp_path / 'data'}")
    assert verdict(check, store, tmp_path)[:2] == (False, ERROR)
    landed(store, 403, 0, 17)
    assert verdict(check, store, tmp_path) == (False, WARN, NOTICE)
    landed(store, 200, 0, 18)
    assert verdict(check, store, tmp_path)[:2] == (False, ERROR)
    landed(store, 403, 0, 19)
    assert verdict(check, store, tmp_path) == (False, WARN, NOTICE)
    landed(store, 200, 1, 20)
    landed(store, 403, 0, 21)
    assert verdict(check, store, tmp_path)[:2] == (False, ERROR)


def test_the_numbers_of_a_fetch_say_that_the_plan_lacks_the_source():
    assert counts(FetchReport("topix", 1, not_in_plan=True))["notice"] == NOTICE
    assert "notice" not in counts(FetchReport("topix", 1))
