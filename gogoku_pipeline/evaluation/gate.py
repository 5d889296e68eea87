"""May this recipe serve? The paired, pre-registered comparison with the baseline, every criterion printed.

`promote` needs every criterion that applies; `reject` follows when one that rejects on its own fails (upside down,
collapsed, leaking, surely worse, no useful edge left); everything else is `inconclusive`: the champion stays, and the
verdict says how small an effect these days could have shown and how many more sessions would settle it. Of several
challengers of one cut-off each is judged here alone, with an interval for all of them (`GateConfig.family`); which of
those that pass is promoted is decided in `choice`.
Belongs here: the order of the questions and what follows. The questions are in `criteria`, the terms in `verdict`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation import criteria
from gogoku_pipeline.evaluation.criteria import Pair, pair_up
from gogoku_pipeline.evaluation.dispersion import dispersion_by_day
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import KEY, align, require_columns
from gogoku_pipeline.evaluation.neutral import neutralise
from gogoku_pipeline.evaluation.significance import (
    Interval,
    dm_hln,
    minimum_detectable_effect,
    paired_differences,
    sessions_to_settle,
)
from gogoku_pipeline.evaluation.verdict import Criterion, Decision, GateConfig, GateContext, Verdict

__all__ = ["Criterion", "GateConfig", "GateContext", "Verdict", "decide"]

REGISTERED = GateConfig()
BARE = GateContext()


def decide(
    challenger: pl.DataFrame,
    baseline: pl.DataFrame,
    ladder: pl.DataFrame | None,
    incumbent: pl.DataFrame | None,
    labels: pl.DataFrame,
    exposures: pl.DataFrame | None,
    config: GateConfig = REGISTERED,
    context: GateContext = BARE,
) -> Verdict:
    """Judge one recipe by its walk-forward scores.

    Args:
        challenger: [model, seed, session, code, horizon_d, score, is_counted?] of one model; seeds are judged as the
            per-day mean of their ranks, and one by one for the all-seeds criterion.
        baseline: the same of the baseline on the same folds.
        ladder: the same of the naive models, told apart by `model`; None fails the ladder criterion.
        incumbent: the same of the serving champion; None when that is the baseline.
        labels: [session, code, horizon_d, <config.label>].
        exposures: see `neutral.neutralise`; None fails the neutralised criterion.
        config: the registered terms.
        context: universe, leak audit, calibration, simulated or real market.

    Returns:
        The verdict with every criterion.

    Raises:
        EvaluationError: frames of a wrong shape; no label known; a baseline without a ranking on any day; no score
            at the registered horizon. A challenger that is merely bad or constant gets a verdict, not an error.
    """
    names = [_one_model(challenger, "challenger"), _one_model(baseline, "baseline")]
    raw = [_at_horizon(frame, config, name) for frame, name in ((challenger, "challenger"), (baseline, "baseline"))]
    judged = [_judged(frame, labels, config, context) for frame in raw]
    _refuse_unjudgeable(judged[1], config)
    pair = pair_up(judged[0], judged[1], config)
    interval = pair.interval(config, config.paired_level)
    test = dm_hln(paired_differences(pair.first, pair.second), horizon_d=config.horizon_d)
    seeds = [criteria.seed_means(frame, labels, pair.first_rows, config) for frame in raw]
    answers = [
        *criteria.against_baseline(pair, interval, test, config),
        criteria.neutralised(_neutral(exposures, labels, pair, config), config),
        criteria.information_ratio(pair),
        *_ladder(ladder, judged[0], labels, config, context),
        criteria.spread_after_costs(pair, config),
        criteria.degeneracy(dispersion_by_day(raw[0])),
        criteria.calibration(context, config),
        criteria.all_seeds(seeds[0], seeds[1], config),
        criteria.coverage(judged[0], judged[1], config),
        criteria.leak_audit(context),
        criteria.sealed(pair, config),
        criteria.direction(pair),
        criteria.plausibility(pair, config, context),
        criteria.against_incumbent(_incumbent(incumbent, judged[0], labels, config, context), config),
    ]
    return _verdict(answers, (names[0], names[1]), pair, interval, config)


def _verdict(
    answers: list[Criterion], names: tuple[str, str], pair: Pair, interval: Interval, config: GateConfig
) -> Verdict:
    failed = [answer for answer in answers if answer.passed is False]
    fatal = [answer for answer in failed if answer.on_failure == "reject"]
    decision: Decision = "reject" if fatal else "inconclusive" if failed else "promote"
    n = len(pair.first)
    detectable = minimum_detectable_effect(interval.standard_error, level=config.paired_level, power=config.power)
    target = (config.edge_ratio - 1) * abs(float(pair.second.mean())) if n else 0.0
    total = sessions_to_settle(interval.standard_error, n, target, level=config.paired_level, power=config.power)
    needed = 0 if not failed else None if total is None else max(total - n, 0)
    reasons = [f"{answer.name}: {answer.words}" for answer in [*fatal, *(a for a in failed if a not in fatal)]]
    if not failed:
        reasons = ["every criterion that applies holds"]
    reasons.append(_power_words(n, detectable, target, needed, config))
    return Verdict(
        decision=decision,
        criteria=tuple(answers),
        reasons=tuple(reasons),
        challenger=names[0],
        baseline=names[1],
        n_days=n,
        edge=(interval.mean, interval.low, interval.high),
        minimum_detectable_effect=detectable,
        sessions_needed=needed,
        is_suspect=any(
            answer.name == "plausibility" and answer.passed is False and answer.value > answer.threshold
            for answer in answers
        ),
        config_hash=config.hash,
    )


def _power_words(n: int, detectable: float, target: float, needed: int | None, config: GateConfig) -> str:
    words = f"{n} paired days find a true daily difference of {detectable:.4f} with {config.power:.0%} power"
    if needed is None:
        return f"{words}; how many more would settle it cannot be said"
    if needed == 0:
        return f"{words}; no further session is needed for the registered edge of {target:.4f}"
    return f"{words}; the registered edge of {target:.4f} needs about {needed} more sessions"


def _ladder(
    ladder: pl.DataFrame | None,
    challenger: pl.DataFrame,
    labels: pl.DataFrame,
    config: GateConfig,
    context: GateContext,
) -> list[Criterion]:
    """One criterion per naive model, registered or given."""
    if ladder is not None:
        require_columns(ladder, ("model",), "ladder scores")
    rungs = {} if ladder is None else {str(name[0]): rung for name, rung in ladder.group_by(["model"])}
    missing = [name for name in config.ladder if name not in rungs] or ([] if rungs else ["any"])
    answers = [
        Criterion(f"ladder_{name}", float("nan"), float("nan"), False, "did not run: no such naive scores were given")
        for name in missing
    ]
    for name, rung in sorted(rungs.items()):
        judged = _judged(_at_horizon(rung, config, name), labels, config, context)
        has_ranking = pair_up(judged, judged, config).first.size > 0
        answers.append(criteria.against_rung(name, pair_up(challenger, judged, config) if has_ranking else None))
    return answers


def _incumbent(
    incumbent: pl.DataFrame | None,
    challenger: pl.DataFrame,
    labels: pl.DataFrame,
    config: GateConfig,
    context: GateContext,
) -> Pair | None:
    if incumbent is None:
        return None
    _one_model(incumbent, "incumbent")
    return pair_up(challenger, _judged(_at_horizon(incumbent, config, "incumbent"), labels, config, context), config)


def _neutral(
    exposures: pl.DataFrame | None, labels: pl.DataFrame, pair: Pair, config: GateConfig
) -> pl.DataFrame | None:
    """Residual of the challenger on the common names, aligned with labels."""
    if exposures is None:
        return None
    if pair.first_rows.is_empty():
        return pair.first_rows
    return align(neutralise(pair.first_rows, exposures), labels, config.label)


def _judged(scores: pl.DataFrame, labels: pl.DataFrame, config: GateConfig, context: GateContext) -> pl.DataFrame:
    """The ensemble of one model, aligned: [session, horizon_d, code, score, label]."""
    return align(ensemble_scores(scores), labels, config.label, context.universe).drop("model", strict=False)


def _at_horizon(scores: pl.DataFrame, config: GateConfig, what: str) -> pl.DataFrame:
    require_columns(scores, (*KEY, "score"), what)
    chosen = scores.filter(horizon_d=config.horizon_d)
    if chosen.is_empty():
        raise EvaluationError(
            what,
            got=f"scores for horizons {sorted(scores['horizon_d'].unique().to_list())}",
            want=f"the registered horizon {config.horizon_d}",
            remedy="Score the registered horizon; other horizons are reported, never gated.",
        )
    return chosen


def _one_model(scores: pl.DataFrame, what: str) -> str:
    require_columns(scores, ("model",), what)
    models = sorted(scores["model"].unique().to_list())
    if len(models) != 1:
        raise EvaluationError(what, got=f"models {models}", want="exactly one", remedy="Judge one recipe at a time.")
    return str(models[0])


def _refuse_unjudgeable(baseline: pl.DataFrame, config: GateConfig) -> None:
    alone = pair_up(baseline, baseline, config)
    if baseline["label"].drop_nulls().is_empty():
        raise EvaluationError(
            "gate", got="no known label", want="labels of the test sessions", remedy="Wait until their exit is known."
        )
    if not np.isfinite(alone.first).any():
        raise EvaluationError(
            "baseline",
            got="no day with a ranking",
            want="a baseline that ranks",
            remedy=f"Look for constant scores or days of fewer than {config.min_names} names.",
        )
