"""The words of an evening: alerts made of what freshness, coverage, the gate and the registry say."""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.evaluation.verdict import Verdict
from gogoku_pipeline.monitoring.freshness import Freshness
from gogoku_pipeline.monitoring.notify import Alert
from gogoku_pipeline.registry.champions import Serving


def freshness_alert(found: Freshness) -> Alert | None:
    """An alert for a table that lags; None for a fresh one."""
    if found.is_fresh:
        return None
    subject = f"{found.table} {found.expected}"
    return Alert("freshness", subject, f"{found.words}. Materialise the missing sessions; `gogoku doctor` helps.")


def coverage_alerts(coverage: pl.DataFrame, *, at_least: float = 0.95) -> list[Alert]:
    """One alert per source with sessions below the floor, naming the worst. Takes `coverage.coverage_by_session`."""
    thin = coverage.filter(pl.col("coverage") < at_least).sort("coverage", "session")
    return [
        Alert(
            "coverage",
            f"{name[0]} {of_source['session'].sort()[-1]}",
            f"{of_source.height} sessions cover less than {at_least:.0%} of the listed stocks; worst "
            f"{of_source['session'][0]} with {of_source['coverage'][0]:.1%}.",
        )
        for name, of_source in thin.group_by(["source"], maintain_order=True)
    ]


def verdict_words(verdict: Verdict) -> str:
    """The verdict in two or three sentences for a message."""
    mean, low, high = verdict.edge
    head = {
        "promote": f"{verdict.challenger} is promoted over {verdict.baseline}",
        "passed_over": f"{verdict.challenger} passes too; another challenger is promoted",
        "reject": f"{verdict.challenger} is rejected; the champion stays",
        "inconclusive": f"{verdict.challenger} is neither better nor worse for sure; the champion stays",
    }[verdict.decision]
    suspect = " Its RankIC is above what is plausible: look for a leak first." if verdict.is_suspect else ""
    edge = f"Daily RankIC difference {mean:+.4f} [{low:+.4f}, {high:+.4f}] over {verdict.n_days} days."
    return f"{head}. {edge}{suspect} {verdict.reasons[0]}."


def verdict_alert(verdict: Verdict, cutoff: date) -> Alert:
    """The gate's verdict at a training cut-off."""
    return Alert("gate", f"{verdict.challenger} {cutoff} {verdict.decision}", verdict_words(verdict))


def serving_alert(serving: Serving, session: date, *, champion_model: str) -> Alert | None:
    """An alert when another model serves than the champion; None when all is as decided."""
    if serving.model == champion_model:
        return None
    text = f"{serving.model} {serving.version} serves instead of {champion_model}: {serving.reason}."
    return Alert("serving", f"{session}", text)
