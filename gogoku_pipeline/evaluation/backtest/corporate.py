"""What happens to shares overnight: splits, rights, dividends. Events by session, in whole numbers where shares are.

Source: J-Quants V2 /equities/bars/daily (AdjFactor, ExRT) and /fins/dividend (a log of notices).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DataError

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

RIGHTS_ISSUE = "3"
DELETED = "3"
MAX_TERM = 1000
_CLOSE = 1e-4


@dataclass(frozen=True)
class Conversion:
    """One issue's ex-date.

    Attributes:
        name: place of the issue.
        new: shares after ...
        old: ... per so many shares before.
        factor: base price / last price.
        is_rights: shares stay, and the right is sold for what the price loses.
    """

    name: int
    new: int
    old: int
    factor: float
    is_rights: bool


def conversion(name: int, factor: float, is_rights: bool) -> Conversion:
    """The ex-date behind a published factor: 0.333333 is three new shares for one.

    The factor is brought to the nearest ratio of whole numbers (at most 1,000), so that holding through the ex-date
    changes no value; a rights issue keeps its factor and its shares.
    """
    if not (np.isfinite(factor) and factor > 0):
        raise DataError(
            "adjustment factor", got=str(factor), want="a number above 0", remedy="Look at the bar of that ex-date."
        )
    if is_rights:
        return Conversion(name, 1, 1, factor, is_rights)
    ratio = Fraction(1.0 / factor).limit_denominator(MAX_TERM)
    if factor > 1:
        ratio = 1 / Fraction(factor).limit_denominator(MAX_TERM)
    if abs(float(ratio) * factor - 1.0) > _CLOSE:
        ratio = Fraction(1.0 / factor).limit_denominator(10**6)
    return Conversion(name, ratio.numerator, ratio.denominator, ratio.denominator / ratio.numerator, is_rights)


@dataclass(frozen=True)
class Payments:
    """Dividends going ex on one session: places of the issues and gross yen per share held the session before."""

    names: Wholes
    rates: Floats


def dividends_by_session(notices: pl.DataFrame, codes: pl.Enum, days: Wholes) -> tuple[dict[int, Payments], int]:
    """What was paid per share, by the session from which a buyer no longer gets it.

    The newest notice of each original number counts, nothing if that one is a deletion. Accounts of the past may use
    what became known later: the amount paid is often decided after its ex-date. A rate stands on the share basis of
    the last session with the right. An ex-date that is no session moves to the next one.

    Args:
        notices: `core_jquants__dividends`.
        codes: issues of the market.
        days: its sessions as days since 1970, ascending, shape [T].

    Returns:
        Payments by place of the session, and how many ex-dates never got a rate (they pay nothing).
    """
    chain = ["code", "original_reference_number"]
    number = pl.col("reference_number")
    newest = (
        notices.sort("code", "published_date", "published_time", number.str.len_chars(), number, nulls_last=False)
        .group_by(chain, maintain_order=True)
        .last()
        .filter((pl.col("status") != DELETED) & pl.col("ex_date").is_not_null())
        .with_columns(name=pl.col("code").cast(codes, strict=False).to_physical(), day=pl.col("ex_date").to_physical())
        .filter(pl.col("name").is_not_null() & pl.col("day").is_between(int(days[0]), int(days[-1])))
    )
    undecided = int(newest["dividend_jpy"].is_null().sum())
    place = np.searchsorted(days, newest["day"].to_numpy())
    paid = (
        newest.with_columns(place=pl.Series(place, dtype=pl.Int64))
        .filter(pl.col("dividend_jpy") > 0)
        .group_by("place", "name")
        .agg(pl.col("dividend_jpy").sum())
        .sort("place", "name")
    )
    found = {}
    for (session,), rows in paid.group_by(["place"], maintain_order=True):
        found[int(str(session))] = Payments(rows["name"].to_numpy().astype(np.int64), rows["dividend_jpy"].to_numpy())
    return found, undecided
