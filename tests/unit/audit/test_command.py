"""`gogoku audit` speaks to a trader: a verdict per check, the guilty one by name, and what the part asks."""

from __future__ import annotations

import json
from datetime import date

from gogoku.commands.audit import MEANING, _explain, _rows, _table, console
from gogoku_pipeline.audit.leak_audit import PARTS
from gogoku_pipeline.audit.report import AuditReport, Finding
from gogoku_pipeline.features.laws import Violation

LEAK = Violation("folds", "fold 0 train", date(2024, 5, 8), "", "no purge")
REPORT = AuditReport(
    (
        Finding("truncation", "availability", "no row is known before it was published", (), 1_234, 0.2),
        Finding("label_alignment", "folds", "purge and embargo between blocks", (LEAK,), 9, 0.1),
        Finding("planted_market", "planted_signal", "a planted signal is found", (), 0, 0.0),
    ),
    switched_off=("topix",),
)


def said(write) -> str:
    with console.capture() as captured:
        write()
    return captured.get()


def test_every_part_has_a_meaning_in_words():
    assert tuple(MEANING) == PARTS


def test_the_table_says_what_holds_what_leaks_and_what_did_not_run():
    out = said(lambda: console.print(_table(REPORT), width=140))
    lines = [line for line in out.splitlines() if any(word in line for word in ("holds", "LEAK", "did not run"))]
    assert [("1,234" in line and "holds" in line) for line in lines] == [True, False, False]
    assert "LEAK" in lines[1] and "did not run" in lines[2]


def test_whoever_is_guilty_is_named_with_what_is_asked():
    out = said(lambda: _explain(REPORT))
    assert "fold 0 train 2024-05-08: no purge" in out
    assert MEANING["label_alignment"] in out
    assert "3 parts, 3 checks" in out and "not in the plan: topix" in out and "do not trade on this" in out


def test_the_same_stands_in_json():
    rows = json.loads(json.dumps(_rows(REPORT)))
    assert [row["passed"] for row in rows] == [True, False, False]
    assert rows[1]["guilty"] == ["fold 0 train"]
