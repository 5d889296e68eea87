"""Bulk files that are not what they should be: named, never followed, and their days are asked one by one."""

from datetime import timedelta

import pytest

from gogoku_pipeline.simulator.bulk_faults import (
    DOWNLOAD,
    LISTING,
    SIGNING,
    ClaimedSize,
    Redirected,
    SignedElsewhere,
    SignedUrl,
    WrongGzip,
)
from gogoku_pipeline.simulator.faults import ChangedValue, EmptyDay, MissingColumn, RenamedColumn, When
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.typed import typed_sessions
from tests.unit.ingest.fetching import bars

METADATA = "http://169.254.169.254/latest/meta-data/iam?X-Amz-Signature=canary-1f"


def always(path):
    return When(path=path, times=None)


BAD_FILES = {
    "a missing column": (MissingColumn(always(DOWNLOAD), column="AdjFactor"), "AdjFactor"),
    "a renamed column": (RenamedColumn(always(DOWNLOAD), column="Code", new_name="LocalCode"), "Code"),
    "no rows": (EmptyDay(always(DOWNLOAD)), "no"),
    "rows of another month": (ChangedValue(always(DOWNLOAD), column="Date", value="2019-05-08"), "2019-05-08"),
    "no gzip": (WrongGzip(always(DOWNLOAD)), "gzip"),
    "half a gzip": (WrongGzip(always(DOWNLOAD), is_cut=True), "file"),
    "50 GB claimed by the list": (ClaimedSize(always(LISTING)), "50000000000"),
    "50 GB claimed by the download": (ClaimedSize(always(DOWNLOAD)), "50000000000"),
    "signed for a private address": (SignedElsewhere(always(SIGNING), host="http://10.0.0.5"), "Do not follow it"),
    "signed for the metadata service": (SignedUrl(always(SIGNING), url=METADATA), "Do not follow it"),
    "signed for a file of this machine": (SignedUrl(always(SIGNING), url="file:///etc/passwd"), "Do not follow it"),
    "redirected to the metadata service": (Redirected(always(DOWNLOAD), location=METADATA), "redirect"),
}


@pytest.mark.parametrize(("fault", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_named_and_its_month_comes_day_by_day(evening, tmp_path, caplog, fault, words):
    with evening(fault) as e:
        e.clock.advance_to(e.clock.now() + timedelta(days=45))
        days = [day for day in e.market.sessions if day.month == 8]
        report = e.run(bars(e.store, days, bulk=True), plan="premium")
        assert (report.bulk_files, report.fetched_pages) == (0, len(days))
        assert any(words in warning for warning in report.warnings), report.warnings
        assert "canary" not in caplog.text + "".join(report.warnings)
        assert e.server.keys_leaked == 0
        assert set(e.store.raw.requests("daily_bars")["media"]) == {"json"}
        pages = open_store(f"file://{tmp_path}/pages")
        e.run(bars(pages, days), plan="premium")
        told, asked = (typed_sessions(store, "daily_bars", days) for store in (e.store, pages))
        assert told.frame.equals(asked.frame)
        assert e.run(bars(e.store, days, bulk=True), plan="premium").skipped_complete == len(days)
