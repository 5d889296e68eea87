"""A report passes only when every check ran and held."""

from __future__ import annotations

from datetime import date

from gogoku_pipeline.audit.report import AuditReport, Finding
from gogoku_pipeline.features.laws import Violation

DAY = date(2024, 5, 8)


def violations(n):
    return tuple(Violation("law", "ret_1d", DAY, f"{1300 + place}0", "differs") for place in range(n))


def finding(check, compared, found=(), part="truncation"):
    return Finding(part, check, "asked", tuple(found), compared, 0.5)


def test_a_check_that_compared_nothing_has_failed():
    report = AuditReport((finding("one", 5), finding("two", 0)))
    assert (report.passed, report.failed) == (False, ("two",))
    assert report.words == "two: did not run: there was nothing to compare"


def test_offenders_are_named_even_when_nothing_could_be_compared():
    words = AuditReport((finding("one", 0, violations(5)),)).words
    assert words.startswith("one: ret_1d 2024-05-08 13000: differs, ")
    assert words.endswith(" and 2 more")


def test_a_guilty_column_is_named_once():
    assert finding("one", 9, violations(5)).guilty == ("ret_1d",)


def test_values_add_up_per_part_and_a_failed_check_fails_its_part():
    report = AuditReport((finding("one", 5), finding("two", 7), finding("three", 1, violations(1), part="scale")))
    assert report.compared == {"truncation": 12, "scale": 1}
    assert report.failed_parts == ("scale",)
    assert [row[0] for row in report.rows()] == ["truncation", "truncation", "scale"]


def test_a_report_of_what_held_counts_checks_parts_and_values():
    report = AuditReport((finding("one", 5), finding("two", 1_000, part="scale")), switched_off=("topix",))
    assert report.words == "2 checks in 2 parts held over 1,005 values; topix: not in the plan, switched off"


def test_a_report_without_findings_has_not_passed():
    assert not AuditReport(()).passed
