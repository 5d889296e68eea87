"""An audit that held is asked once of the same data by the same code; a leak is looked for every time."""

from datetime import date

import pytest

from gogoku_pipeline.audit.kept import code_fingerprint, kept_or_asked
from gogoku_pipeline.audit.report import AuditReport, Finding
from gogoku_pipeline.features.laws import Violation

HELD = AuditReport((Finding("scale", "rebasing", "price histories on another basis", (), 1200, 0.5),), ("topix",))
ABOUT = {
    "tables": {"core_jquants__daily_bars": 3},
    "labels": "9f",
    "dials": {"audit_sample": 3, "since": date(2020, 6, 1)},
}


def leaking():
    violation = Violation("rebasing", "ret_5d", date(2020, 9, 1), "13010", "differs")
    return AuditReport((Finding("scale", "rebasing", "price histories on another basis", (violation,), 1200),))


def nothing_compared():
    return AuditReport((Finding("scale", "rebasing", "price histories on another basis", (), 0),))


class Court:
    def __init__(self, report):
        self.report, self.asked = report, 0

    def __call__(self):
        self.asked += 1
        return self.report


def test_an_audit_that_held_is_asked_once_and_says_the_same_again(tmp_path):
    court = Court(HELD)
    reports = [kept_or_asked(tmp_path / "audits", ABOUT, court) for _ in range(3)]
    assert court.asked == 1
    assert reports == [HELD] * 3
    assert reports[2].passed and reports[2].words == HELD.words and reports[2].compared == {"scale": 1200}


@pytest.mark.parametrize("change", [{"labels": "a0"}, {"tables": {"core_jquants__daily_bars": 4}}, {"more": 1}])
def test_anything_else_it_depends_on_is_asked_again(tmp_path, change):
    court = Court(HELD)
    kept_or_asked(tmp_path, ABOUT, court)
    kept_or_asked(tmp_path, ABOUT | change, court)
    assert court.asked == 2


@pytest.mark.parametrize("report", [leaking(), nothing_compared(), AuditReport(())])
def test_what_did_not_hold_is_never_kept(tmp_path, report):
    court = Court(report)
    assert not any(kept_or_asked(tmp_path, ABOUT, court).passed for _ in range(2))
    assert court.asked == 2
    assert list(tmp_path.iterdir()) == []


def test_the_code_has_one_fingerprint():
    assert code_fingerprint() == code_fingerprint() and len(code_fingerprint()) == 64
