"""Who bought and who sold in the whole market, as known: balances of the newest week and its place in the past year.

Belongs here: what is read off the weeks of section TokyoNagoya. Does not belong here: which version of a week is in
force (`flow_weeks`), ratios (`groups.flows`).

Windows count distinct weeks and see every week in its newest version known at the moment, so a late correction moves
the year's mean from its own publication on. Unit: thousand yen. Source: features.md 3.9.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.features.expressions import Values
from gogoku_pipeline.features.states.flow_weeks import readings
from gogoku_pipeline.features.states.state import Known, State

SECTION = "TokyoNagoya"
CLASSES = {
    "frgn": "foreigners",
    "ind": "individuals",
    "trstbnk": "trust_banks",
    "invtr": "investment_trusts",
    "busco": "business_companies",
    "insco": "insurance_companies",
}
"""Short name of a class of investors to its name in the table."""

YEAR, ENOUGH, MONTH = 52, 26, 4

_COLUMNS = (*(f"{name}_balance_kjpy" for name in CLASSES.values()), "total_total_kjpy")


def stage(known: Known) -> pl.DataFrame:
    """The market's weeks at each session, [session, columns of STATE]."""
    return readings(known, (SECTION,), _COLUMNS, _read).drop("section")


def _read(weeks: Values) -> dict[str, float]:
    """Numbers of one moment, from [weeks, classes + total] oldest first."""
    newest = weeks[-1] if len(weeks) else np.full(len(_COLUMNS), np.nan)
    month = weeks[-MONTH:].sum(axis=0) if len(weeks) >= MONTH else np.full(len(_COLUMNS), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = {name: _share(weeks[:, i], weeks[:, -1]) for i, name in enumerate(("frgn", "ind"))}
    year = {name: _mean_and_deviation(share) for name, share in shares.items()}
    return {
        **{f"{name}_net_kjpy": float(newest[i]) for i, name in enumerate(CLASSES)},
        "total_kjpy": float(newest[-1]),
        **{f"{name}_net_4r_kjpy": float(month[i]) for i, name in enumerate(("frgn", "ind"))},
        "total_4r_kjpy": float(month[-1]),
        **{f"{name}_share_mean_52r": moments[0] for name, moments in year.items()},
        **{f"{name}_share_sd_52r": moments[1] for name, moments in year.items()},
        "smart_z_mean_4r": _smart_mean(shares["frgn"], shares["ind"]),
        "frgn_streak_releases": _streak(weeks[:, 0]),
    }


def _share(net: Values, of_all: Values) -> Values:
    """Net of sales over everything, NaN in a week that claims more than everything."""
    return np.where(np.abs(net) <= of_all, net / of_all, np.nan)


def _mean_and_deviation(series: Values) -> tuple[float, float]:
    """Mean and standard deviation (ddof 1) of the last year's values; NaN with fewer than half a year of them."""
    window = series[-YEAR:]
    window = window[np.isfinite(window)]
    if window.size < ENOUGH:
        return np.nan, np.nan
    mean = window.sum() / window.size
    deviation = np.sqrt(((window - mean) ** 2).sum() / (window.size - 1))
    return float(mean), float(deviation) if np.ptp(window) > 0 else np.nan


def _smart_mean(foreigners: Values, individuals: Values) -> float:
    """Mean over the last four weeks of (foreigners' z - individuals' z), each z against the year up to its week."""
    total = 0.0
    for back in range(MONTH):
        for sign, series in ((1.0, foreigners), (-1.0, individuals)):
            past = series[: len(series) - back]
            mean, deviation = _mean_and_deviation(past)
            total += sign * (float(past[-1]) - mean) / deviation if past.size else np.nan
    return total / MONTH


def _streak(balance: Values) -> float:
    """Weeks in a row with the newest week's sign, carrying that sign; 0 when it is 0, NaN when it is unknown."""
    if not balance.size:
        return np.nan
    sign = np.sign(balance[-1])
    other = np.flatnonzero(np.sign(balance) != sign)
    return float(sign * (balance.size - 1 - other[-1] if other.size else balance.size))


def _words() -> dict[str, str]:
    named = {name: text.replace("_", " ") for name, text in CLASSES.items()}
    pair = {name: named[name] for name in ("frgn", "ind")}
    return {
        "age_sessions": "Sessions since the newest week was first known.",
        **{
            f"{name}_net_kjpy": f"Bought minus sold by {who} in the newest week, thousand yen."
            for name, who in named.items()
        },
        "total_kjpy": "Bought and sold by everybody in the newest week, thousand yen.",
        **{
            f"{name}_net_4r_kjpy": f"Bought minus sold by {who} in four weeks, thousand yen."
            for name, who in pair.items()
        },
        "total_4r_kjpy": "Bought and sold by everybody in four weeks, thousand yen.",
        **{
            f"{name}_share_mean_52r": f"Mean over a year of the weekly net share of {who}."
            for name, who in pair.items()
        },
        **{
            f"{name}_share_sd_52r": f"Deviation over a year of the weekly net share of {who}."
            for name, who in pair.items()
        },
        "smart_z_mean_4r": "Mean over four weeks of the foreigners' less the individuals' z of the year.",
        "frgn_streak_releases": "Weeks in a row with the same sign of the foreigners' balance, signed.",
    }


STATE = State(
    alias="flow",
    axis="market",
    tables=("investor_types",),
    columns=_words(),
    stage=stage,
    history_sessions=None,
)
