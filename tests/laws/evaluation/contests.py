"""Made-up contests for the gate: a market with overlapping labels, a baseline, and a challenger of a known edge.

Daily returns carry the sum of an expected return, whose direction `s` persists from day to day, and noise; the label
of day t is the return of the five days after it, so labels of neighbouring days overlap as real ones do. A score is
`share x s + sqrt(1 - share^2) x noise`, with noise that persists too: a model is wrong about the same stocks for weeks.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

HORIZON = 5
PERSISTENCE = 0.9
"""Of the expected return and of a model's error, from day to day."""
ORACLE_IC = 0.15
"""Correlation of the expected return with the label."""
FIRST = date(2015, 1, 5)


@dataclass(frozen=True)
class Contest:
    """Who meets whom.

    Attributes:
        name: for the table.
        days, names: size of the panel.
        baseline, challenger: correlation of each one's label forecast, as shares of ORACLE_IC.
        kinship: share of the challenger's error variance that is the baseline's.
    """

    name: str
    days: int
    names: int
    baseline: float
    challenger: float
    kinship: float = 0.5

    @property
    def edge(self) -> float:
        """True difference of the two correlations with the label."""
        return (self.challenger - self.baseline) * ORACLE_IC


@dataclass(frozen=True)
class Evidence:
    """What the gate is given; see `evaluation.gate.decide`."""

    challengers: tuple[pl.DataFrame, ...]
    baseline: pl.DataFrame
    ladder: pl.DataFrame
    labels: pl.DataFrame
    exposures: pl.DataFrame

    @property
    def challenger(self) -> pl.DataFrame:
        """The first of the challengers."""
        return self.challengers[0]


def evidence(contest: Contest, seed: int, *, seeds: int = 3, challengers: int = 1) -> Evidence:
    """One drawing of a contest; `seeds` models of each recipe share nine tenths of their error.

    Several challengers are as good as each other; their errors have in common what each shares with the baseline's.
    """
    rng = np.random.default_rng([seed, contest.days, contest.names])
    size = (contest.days + HORIZON, contest.names)
    hidden = persistent(rng, size)
    noise = rng.normal(size=size)
    told = _forward(hidden).std()
    scale = ORACLE_IC / np.sqrt(1 - ORACLE_IC**2) * np.sqrt(HORIZON) / told
    label = _forward(scale * hidden + noise)[: contest.days]
    direction = hidden[: contest.days]
    likeness = np.corrcoef(direction.ravel(), _forward(hidden)[: contest.days].ravel())[0, 1]
    own = persistent(rng, direction.shape)
    kin = np.sqrt(contest.kinship) * own + np.sqrt(1 - contest.kinship) * persistent(rng, direction.shape)
    keys = _keys(contest)
    sectors = np.array(["0050", "1050", "2050"])[np.arange(contest.names) % 3]
    exposures = keys.drop("horizon_d").with_columns(
        pl.Series("log10_adv_20d_jpy", persistent(rng, direction.shape, 0.99).ravel()),
        pl.Series("vol_20d", np.exp(persistent(rng, direction.shape, 0.99)).ravel()),
        pl.Series("beta_60d", persistent(rng, direction.shape, 0.99).ravel()),
        pl.Series("sector33_code", np.tile(sectors, contest.days)),
    )

    def told_by(model: str, share: float, error: np.ndarray, count: int) -> pl.DataFrame:
        share = min(share / likeness, 1.0)
        parts = []
        for number in range(count):
            mixed = np.sqrt(0.9) * error + np.sqrt(0.1) * persistent(rng, direction.shape)
            score = share * direction + np.sqrt(1 - share**2) * mixed
            named = keys.with_columns(pl.lit(model).alias("model"), pl.lit(number).alias("seed"))
            parts.append(named.with_columns(pl.Series("score", score.ravel()), pl.lit(True).alias("is_counted")))
        return pl.concat(parts)

    first = told_by("challenger", contest.challenger, kin, seeds)
    baseline = told_by("lightgbm", contest.baseline, own, seeds)
    ladder = told_by("random", 0.0, rng.normal(size=direction.shape), 1)
    others = []
    for number in range(2, challengers + 1):
        kin = np.sqrt(contest.kinship) * own + np.sqrt(1 - contest.kinship) * persistent(rng, direction.shape)
        others.append(told_by(f"challenger_{number}", contest.challenger, kin, seeds))
    return Evidence(
        (first, *others),
        baseline,
        ladder,
        keys.with_columns(pl.Series("ret_open", 0.02 * label.ravel()), pl.lit(None, dtype=pl.String).alias("reason")),
        exposures,
    )


def persistent(rng: np.random.Generator, shape: tuple[int, int], memory: float = PERSISTENCE) -> np.ndarray:
    """[days, names] standard normal values that keep `memory` of themselves from day to day."""
    out = rng.normal(size=shape)
    for day in range(1, shape[0]):
        out[day] = memory * out[day - 1] + np.sqrt(1 - memory**2) * out[day]
    return out


def _forward(daily: np.ndarray) -> np.ndarray:
    """Sum of the HORIZON days after each day; the last days have fewer and are not used."""
    total = np.cumsum(daily, axis=0)
    out = np.empty_like(daily)
    out[:-HORIZON] = total[HORIZON:] - total[:-HORIZON]
    out[-HORIZON:] = out[-HORIZON - 1]
    return out


def _keys(contest: Contest) -> pl.DataFrame:
    sessions = [FIRST + timedelta(days=n) for n in range(contest.days)]
    codes = [f"{1000 + n}0" for n in range(contest.names)]
    return pl.DataFrame(
        {"session": np.repeat(sessions, contest.names).tolist(), "code": codes * contest.days},
        schema={"session": pl.Date, "code": pl.String},
    ).with_columns(pl.lit(HORIZON, dtype=pl.Int16).alias("horizon_d"))
