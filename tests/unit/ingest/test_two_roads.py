"""A month by file and the same month day by day make the same tables, source by source."""

from datetime import timedelta

import pytest

from gogoku_pipeline.jquants import ENDPOINTS
from gogoku_pipeline.simulator.server import ServerOptions
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.typed import typed_sessions
from tests.unit.ingest.fetching import group

BY_DAY = [name for name in ENDPOINTS if ENDPOINTS[name].axis == "day"]


@pytest.mark.slow
def test_files_and_pages_make_the_same_tables_of_every_source(evening, tmp_path):
    with evening(options=ServerOptions(is_rate_limited=False)) as e:
        e.clock.advance_to(e.clock.now() + timedelta(days=45))
        days = [day for day in e.market.sessions if (day.year, day.month) in ((2020, 9), (2020, 10))]
        pages = open_store(f"file://{tmp_path}/pages")
        by_file = e.run(group(e.store, BY_DAY, days, bulk=True), plan="premium")
        by_day = e.run(group(pages, BY_DAY, days), plan="premium")
        assert all(report.bulk_files for report in by_file)
        assert not any(report.bulk_files for report in by_day)
        for source in BY_DAY:
            told, asked = (typed_sessions(store, source, days).frame for store in (e.store, pages))
            assert told.height > 0, source
            adjusted = [name for name in told.columns if name.startswith("served_")]  # they follow the day of the fetch
            assert told.drop(adjusted).equals(asked.drop(adjusted)), source
