"""The audit itself: eight parts, their checks, and one run of them over a case."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from gogoku_pipeline.audit import (
    bystanders,
    chunks,
    folds,
    labels,
    planted,
    scale,
    self_test,
    shuffled,
    truncation,
)
from gogoku_pipeline.audit.availability import availability
from gogoku_pipeline.audit.case import Answer, Case, Check
from gogoku_pipeline.audit.report import AuditReport, Finding
from gogoku_pipeline.core.errors import GogokuError, LeakError
from gogoku_pipeline.features.laws import Violation

PARTS = (
    "truncation",
    "isolation",
    "chunks",
    "scale",
    "label_alignment",
    "shuffled_labels",
    "self_test",
    "planted_market",
)
"""The eight parts of the evaluation protocol, section 7, in its order."""

OF_A_PANEL = PARTS[:7]
"""Parts that ask about a deployment's own data; the planted market asks about code alone."""

CHECKS = (
    Check("truncation", "availability", "no row is known before it was published", availability),
    Check("truncation", "truncation_of_prices", "prices and universe as of then", truncation.truncation_of_prices),
    Check("truncation", "truncation_of_features", "features as of then", truncation.truncation_of_features),
    Check("truncation", "truncation_of_scaler", "rulers made of the past only", truncation.truncation_of_scaler),
    Check("truncation", "truncation_of_graph", "the graph as of then", truncation.truncation_of_graph),
    Check("truncation", "truncation_of_panel", "the models' input as of then", truncation.truncation_of_panel),
    Check("truncation", "truncation_of_scores", "scores as of then", truncation.truncation_of_scores),
    Check("truncation", "cross_section", "only stocks one could have chosen then", truncation.cross_section),
    Check("isolation", "isolation", "a stock's own features without all others", bystanders.isolation),
    Check("isolation", "row_order", "features and graph from shuffled rows", bystanders.row_order),
    Check("isolation", "row_order_of_tables", "prices and universe from shuffled rows", bystanders.row_order_of_tables),
    Check("isolation", "row_order_of_scores", "scores from shuffled rows", bystanders.row_order_of_scores),
    Check("isolation", "late_listing", "a new listing moves nothing before it", bystanders.late_listing),
    Check("chunks", "chunks_of_features", "features from the history they declare", chunks.chunks_of_features),
    Check("chunks", "appended_session", "an evening's session equals a rebuild", chunks.appended_session),
    Check("chunks", "chunks_of_scaler", "rulers of a part of the sessions", chunks.chunks_of_scaler),
    Check("chunks", "chunks_of_graph", "graphs drawn session by session", chunks.chunks_of_graph),
    Check("scale", "rebasing", "price histories on another basis", scale.rebasing),
    Check("scale", "inserted_split", "features with a 5:1 split inserted", scale.inserted_split),
    Check("scale", "split_scores", "scores with a 4:1 split inserted", scale.split_scores),
    Check("label_alignment", "label_alignment", "labels begin and end where they say", labels.label_alignment),
    Check("label_alignment", "label_windows", "labels agree with their own window best", labels.label_windows),
    Check("label_alignment", "score_windows", "no score knows a window ahead", labels.score_windows),
    Check("label_alignment", "features_against_labels", "no feature is its own label", labels.features_against_labels),
    Check("label_alignment", "folds", "purge and embargo between blocks", folds.folds),
    Check("label_alignment", "versions", "versions learn what was known by their cut-off", folds.versions),
    Check("label_alignment", "rows_learnt", "one label per key, known in time", folds.rows_learnt),
    Check("shuffled_labels", "shuffled_labels", "noise teaches nothing", shuffled.shuffled_labels),
    Check("self_test", "sources_a_day_early", "a source a day early is noticed", self_test.sources_a_day_early),
    Check("self_test", "known_leaks", "known leaks are noticed", self_test.known_leaks),
    Check("planted_market", "planted_signal", "a planted signal is found", planted.planted_signal),
    Check("planted_market", "silent_market", "nothing is found where nothing is", planted.silent_market),
)
"""Every check, cheap ones of a part first; shared work is done once."""


def run_audit(case: Case, parts: Sequence[str] = PARTS, checks: Sequence[Check] = CHECKS) -> AuditReport:
    """Ask every check of some parts, each to its end: one that fails hides no other.

    Args:
        case: what is on trial.
        parts: names of parts.
        checks: the questions; a test hands in others to see whether the audit notices a blind one.

    Returns:
        One finding per check. A check that met an error of the house has failed, with its words; so has one that found
        nothing to compare.

    Raises:
        LeakError: an unknown part, or none.
    """
    if unknown := [part for part in parts if part not in PARTS] or (["no part"] if not parts else []):
        raise LeakError(
            f"leak audit, part {unknown[0]!r}",
            got="an unknown name",
            want=f"some of {', '.join(PARTS)}",
            remedy="Correct the name.",
        )
    trial = replace(case, guards={check.name: check.look for check in checks})
    findings = tuple(_asked(check, trial) for check in checks if check.part in parts)
    return AuditReport(findings, switched_off=tuple(sorted(case.market.switched_off)))


def _asked(check: Check, case: Case) -> Finding:
    began = time.perf_counter()
    violations, compared = _answer(check, case)
    seconds = time.perf_counter() - began
    return Finding(check.part, check.name, check.words, tuple(violations), compared, seconds)


def _answer(check: Check, case: Case) -> Answer:
    """The answer, or that the check could not be run."""
    try:
        return check.look(case)
    except GogokuError as problem:
        return [Violation(check.name, "could not run", date.min, "", str(problem))], 0
