"""At most one promotion per cut-off: which of several challengers that pass the gate may serve.

Each challenger is judged alone first, its paired interval wide enough for the whole family of the cut-off
(`GateConfig.paired_level`), so choosing afterwards cannot add a false promotion: the chosen one passed by itself. The
rule is registered before anybody looks:

1. who serves already and passes again goes on serving, unless another that passes is surely better than it (their
   paired interval, at the family's level, lies above 0). Changing champions begins a live record anew, and two
   designs of about the same worth would otherwise take turns by luck, week by week;
2. else, or among those surely better, the highest lower bound of the paired edge over the baseline: what is sure
   counts, not what looks best; of equals the one that is named first.

The others are written down as `passed_over`, with what they would have needed.
Source: evaluation protocol, section 5; decision 0026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gogoku_pipeline.evaluation.significance import Interval
from gogoku_pipeline.evaluation.verdict import Criterion, Verdict

ONE_PROMOTION = "one_promotion"
"""Name of the criterion that is added where more than one passes."""


def one_promotion(
    verdicts: Sequence[Verdict], incumbent: str | None = None, over_incumbent: Mapping[str, Interval] | None = None
) -> tuple[Verdict, ...]:
    """The same verdicts with at most one promotion among them.

    Args:
        verdicts: of one cut-off, each by the gate alone, in their registered order.
        incumbent: name of the champion before this cut-off; None when that is the baseline.
        over_incumbent: paired difference of each other challenger to the incumbent; asked where both pass.

    Returns:
        The verdicts, in order. Where several pass, all of those have the criterion `one_promotion`, which holds for
        one of them; the others are `passed_over`.
    """
    passing = [verdict for verdict in verdicts if verdict.decision == "promote"]
    if len(passing) < 2:
        return tuple(verdicts)
    chosen, why = _chosen(passing, incumbent, over_incumbent or {})
    return tuple(_told(verdict, chosen, why, len(passing)) for verdict in verdicts)


def _chosen(
    passing: Sequence[Verdict], incumbent: str | None, over_incumbent: Mapping[str, Interval]
) -> tuple[Verdict, str]:
    """Who is promoted of those that pass, and by which part of the rule."""
    stays = next((verdict for verdict in passing if verdict.challenger == incumbent), None)
    if stays is None:
        return max(passing, key=_low), "has the highest lower bound of the edge over the baseline"
    better = [verdict for verdict in passing if verdict is not stays and over_incumbent[verdict.challenger].low > 0]
    if not better:
        return stays, "serves already, and none of the others is surely better"
    return max(better, key=_low), f"is surely better than {incumbent}, which serves"


def _low(verdict: Verdict) -> float:
    return verdict.edge[1]


def _told(verdict: Verdict, chosen: Verdict, why: str, n_passing: int) -> Verdict:
    """A verdict with the answer of the choice, where it passed."""
    if verdict.decision != "promote":
        return verdict
    is_chosen = verdict is chosen
    one = "this one" if is_chosen else chosen.challenger
    words = (
        f"{n_passing} challengers pass and one may be promoted: {one}, which {why}; lower bounds "
        f"{verdict.edge[1]:+.4f} here"
    )
    words += "" if is_chosen else f", {chosen.edge[1]:+.4f} of {chosen.challenger}"
    answer = Criterion(ONE_PROMOTION, verdict.edge[1], chosen.edge[1], is_chosen, words)
    criteria = (*verdict.criteria, answer)
    if is_chosen:
        return replace(verdict, criteria=criteria, reasons=(*verdict.reasons[:1], words, *verdict.reasons[1:]))
    return replace(
        verdict,
        decision="passed_over",
        criteria=criteria,
        reasons=(f"{ONE_PROMOTION}: would also pass; {words}", *verdict.reasons),
    )
