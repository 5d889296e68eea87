"""A report passes only when every part ran and held."""

from __future__ import annotations

from datetime import date

from gogoku_pipeline.audit.report import AuditReport, Ledger
from gogoku_pipeline.features.laws import Violation

DAY = date(2024, 5, 8)


def violations(n):
    return [Violation("law", "ret_1d", DAY, f"{1300 + place}0", "differs") for place in range(n)]


def test_a_part_that_never_answered_has_failed():
    ledger = Ledger(("one", "two"))
    ledger.add("one", [], 5)
    report = ledger.report()
    assert (report.passed, report.failed) == (False, ("two",))
    assert report.words == "two: did not run: there was nothing to compare"


def test_a_part_that_compared_nothing_has_failed():
    ledger = Ledger(("one",))
    ledger.add("one", [], 0)
    assert not ledger.report().passed


def test_offenders_are_named_even_when_nothing_could_be_compared():
    ledger = Ledger(("one",))
    ledger.add("one", violations(5), 0)
    words = ledger.report().words
    assert words.startswith("one: ret_1d 2024-05-08 13000: differs, ")
    assert words.endswith(" and 2 more")


def test_answers_of_several_sessions_add_up():
    ledger = Ledger(("one",))
    ledger.add("one", [], 5)
    ledger.add("one", [], 7)
    assert ledger.report().passed
    assert ledger.report().words == "1 parts held over 12 values"
    ledger.add("one", violations(1), 1)
    assert not ledger.report().passed


def test_a_report_without_findings_has_not_passed():
    assert not AuditReport(()).passed
