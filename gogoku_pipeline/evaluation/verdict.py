"""What was registered before looking, what each criterion said, and what follows: the gate's vocabulary."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.fingerprints import sha256_json

Decision = Literal["promote", "passed_over", "reject", "inconclusive"]
"""`passed_over`: every criterion holds, and another challenger of the same cut-off is promoted."""
OnFailure = Literal["reject", "inconclusive"]


@dataclass(frozen=True)
class GateConfig:
    """The pre-registered terms; their hash is stored with every verdict. Source: evaluation protocol, section 5."""

    horizon_d: int = 5
    """Primary horizon in sessions; other horizons are reported, never gated."""
    label: str = "ret_open"
    """Primary label; the close-to-close comparison label is refused."""
    edge_ratio: float = 1.10
    """Promotion needs this multiple of the baseline's mean RankIC."""
    hopeless_ratio: float = 0.10
    """An upper bound of the paired difference below this share of the baseline's RankIC rejects."""
    level: float = 0.95
    """Of the paired confidence intervals, of all challengers of a cut-off together."""
    family: int = 1
    """Challengers judged at one cut-off: each is paired with the baseline at `paired_level`."""
    power: float = 0.80
    """For the minimum detectable effect and the number of sessions that would settle the case."""
    min_neutral_t: float = 2.0
    """Newey-West t of the neutralised RankIC."""
    min_seeds: int = 3
    """Fewer seeds cannot pass the all-seeds criterion."""
    min_days: int = 60
    """Fewer paired days promote nothing."""
    min_names: int = 10
    """A day with fewer judged names has no RankIC."""
    min_coverage: float = 0.95
    """Share of the baseline's judged names that the challenger must score too: abstaining is no edge."""
    suspect_rank_ic: float = 0.10
    """A daily RankIC above this is a leak until proven otherwise."""
    max_calibration_gap: float = 0.05
    """Largest distance of empirical from nominal quantile coverage."""
    cost_per_side: float = 0.0010
    """Share of the traded value lost per purchase or sale, for the spread after costs."""
    ladder: tuple[str, ...] = ()
    """Naive models that must be among the evidence; empty: whatever is given, at least one."""
    resamples: int = 2000
    """Of the bootstrap."""
    seed: int = 20
    """Of the bootstrap."""
    holdout_start: date | None = None
    """First session of the frozen hold-out: nothing from it on is judged. None: no sessions are set aside."""

    def __post_init__(self) -> None:
        """Refuse terms under which nothing may be promoted honestly."""
        if not self.label.endswith("_open"):
            raise _bad("label", self.label, "an open-to-open label; close-to-close fills cannot be traded")
        if self.edge_ratio < 1 or not 0 <= self.hopeless_ratio < 1:
            raise _bad("ratios", f"{self.edge_ratio} and {self.hopeless_ratio}", "edge >= 1 and hopeless in [0, 1)")
        if not (0 < self.level < 1 and 0 < self.power < 1):
            raise _bad("level and power", f"{self.level} and {self.power}", "probabilities strictly between 0 and 1")
        if self.horizon_d < 1 or self.min_seeds < 1 or self.min_names < 3 or self.family < 1:
            raise _bad("counts", str(asdict(self)), "horizon_d, min_seeds, family >= 1, min_names >= 3")

    @property
    def paired_level(self) -> float:
        """Level of one challenger's paired interval: 1 - (1 - level) / family.

        By Bonferroni's inequality the chance that any of the family is promoted without an edge stays what one
        challenger's would be. Holm's later steps would promote nobody more: at most one is promoted per cut-off.
        """
        return 1.0 - (1.0 - self.level) / self.family

    @property
    def hash(self) -> str:
        """SHA-256 of the terms."""
        return sha256_json(asdict(self))


def _bad(what: str, got: str, want: str) -> ConfigError:
    return ConfigError(
        f"GateConfig {what}", got=got, want=want, remedy="Correct the terms before looking at the scores."
    )


@dataclass(frozen=True)
class GateContext:
    """What the gate must know beside scores and labels.

    Attributes:
        universe: [session, code, is_tradable] fixed ex ante; None judges every row that is scored.
        audit_passed: outcome of the leak audit on the training inputs; None means it did not run, which is a failure.
        calibration_gap: largest distance of empirical from nominal quantile coverage; None where nothing was
            calibrated.
        simulated: the market is the simulator's, whose planted signal may exceed what is plausible on real data.
        trials: the ledger of trials before this judgement, for what is reported of luck; None where none is kept.
    """

    universe: pl.DataFrame | None = field(default=None, repr=False)
    audit_passed: bool | None = None
    calibration_gap: float | None = None
    simulated: bool = False
    trials: pl.DataFrame | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Criterion:
    """One question and its answer.

    Attributes:
        name: short and stable, e.g. `paired_interval`.
        value: what was measured; NaN when it could not be.
        threshold: what it is compared with.
        passed: None when the question does not apply to this model, and the words say why.
        words: the answer in one sentence with its numbers.
        on_failure: what a failure leads to: `reject` on its own, or only `inconclusive`.
    """

    name: str
    value: float
    threshold: float
    passed: bool | None
    words: str
    on_failure: OnFailure = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """What the gate says, and why.

    Attributes:
        decision: promote only if no criterion failed; reject if one that rejects on its own failed.
        criteria: every criterion, evaluated whether or not another failed.
        reasons: sentences for people: what decided, then what else failed.
        challenger: name of the judged model.
        baseline: name of the model it was paired with.
        n_days: paired days.
        edge: mean daily RankIC difference with its interval (mean, low, high).
        minimum_detectable_effect: smallest true difference that this many days find with the registered power.
        sessions_needed: further sessions until an edge of the registered size would be found with that power; 0 when
            there are enough; None when it cannot be computed.
        is_suspect: RankIC above what is plausible on a real market.
        config_hash: of the registered terms.
    """

    decision: Decision
    criteria: tuple[Criterion, ...]
    reasons: tuple[str, ...]
    challenger: str
    baseline: str
    n_days: int
    edge: tuple[float, float, float]
    minimum_detectable_effect: float
    sessions_needed: int | None
    is_suspect: bool
    config_hash: str

    def criterion(self, name: str) -> Criterion:
        """One criterion by name; KeyError if the gate has none of that name."""
        return {criterion.name: criterion for criterion in self.criteria}[name]

    def to_frame(self) -> pl.DataFrame:
        """The criteria as rows: [criterion, value, threshold, is_passed, words, on_failure]."""
        columns = {"criterion": pl.String, "value": pl.Float64, "threshold": pl.Float64}
        columns |= {"is_passed": pl.Boolean, "words": pl.String, "on_failure": pl.String}
        rows = [(c.name, c.value, c.threshold, c.passed, c.words, c.on_failure) for c in self.criteria]
        return pl.DataFrame(rows, schema=columns, orient="row")

    def text(self) -> str:
        """Everything on one page of plain text."""
        mark = {True: "holds", False: "FAILS", None: "n/a"}
        lines = [f"{self.challenger} against {self.baseline}: {self.decision.upper()}", *self.reasons, ""]
        return "\n".join(lines + [f"[{mark[c.passed]:>5}] {c.name}: {c.words}" for c in self.criteria])
