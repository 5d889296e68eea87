"""An audit that held is not asked again of the same data by the same code: a walk over many cut-offs asks it once.

Belongs here: under which fingerprint an answer is kept, and reading it back. Does not belong here: what is asked.

Only answers that held are kept. A leak is always looked for again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gogoku_pipeline.audit.report import AuditReport, Finding
from gogoku_pipeline.core.fingerprints import sha256_bytes, sha256_json

LIBRARIES = ("polars", "numpy", "numba", "scipy", "lightgbm", "torch")
"""Whoever computes what is audited: another version of one of them is asked again."""

_FIELDS = ("part", "check", "question", "compared", "seconds")


def kept_or_asked(folder: Path, about: Mapping[str, Any], ask: Callable[[], AuditReport]) -> AuditReport:
    """The report kept for exactly this, else the answer of `ask`, which is kept if it held.

    Args:
        folder: of kept reports; it may be deleted at any time.
        about: everything the answer depends on beside the code: versions and fingerprints of the data, dials, sample.
        ask: runs the audit.
    """
    file = folder / f"{sha256_json({'about': about, 'code': code_fingerprint()})[:32]}.json"
    if file.is_file():
        return _report(json.loads(file.read_text()))
    report = ask()
    if report.passed:
        folder.mkdir(parents=True, exist_ok=True)
        written = file.with_suffix(".partial")
        written.write_text(json.dumps(_document(report)))
        written.replace(file)
    return report


@cache
def code_fingerprint() -> str:
    """Hash of every source file of the package, and of the libraries that compute with it."""
    root = Path(__file__).resolve().parents[1]
    files = sorted(path for path in root.rglob("*") if path.suffix in {".py", ".csv"})
    sources = {path.relative_to(root).as_posix(): sha256_bytes(path.read_bytes()) for path in files}
    return sha256_json({"sources": sources, "libraries": {name: version(name) for name in LIBRARIES}})


def _document(report: AuditReport) -> dict[str, Any]:
    rows = [{name: getattr(one, name) for name in _FIELDS} for one in report.findings]
    return {"findings": rows, "switched_off": list(report.switched_off)}


def _report(document: Mapping[str, Any]) -> AuditReport:
    findings = tuple(Finding(violations=(), **row) for row in document["findings"])
    return AuditReport(findings, tuple(document["switched_off"]))
