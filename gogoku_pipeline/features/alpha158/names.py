"""Names and order of the 158 columns, as `qlib.contrib.data.loader.Alpha158DL.get_feature_config` gives them.

Nine of the day's candle (K..), four prices of the day over its close, and 29 operators over five windows each.
"""

from __future__ import annotations

WINDOWS = (5, 10, 20, 30, 60)
"""Sessions of each rolling operator."""

CANDLE = ("KMID", "KLEN", "KMID2", "KUP", "KUP2", "KLOW", "KLOW2", "KSFT", "KSFT2")
PRICES = ("OPEN0", "HIGH0", "LOW0", "VWAP0")
ROLLING = (
    *("ROC", "MA", "STD", "BETA", "RSQR", "RESI", "MAX", "MIN", "QTLU", "QTLD", "RANK", "RSV", "IMAX", "IMIN", "IMXD"),
    *("CORR", "CORD", "CNTP", "CNTN", "CNTD", "SUMP", "SUMN", "SUMD", "VMA", "VSTD", "WVMA", "VSUMP", "VSUMN", "VSUMD"),
)
"""Operators in qlib's order; each has one column per window."""

NAMES = (*CANDLE, *PRICES, *(f"{name}{n}" for name in ROLLING for n in WINDOWS))
"""The 158 names in qlib's order."""


def first_column(name: str) -> int:
    """Number of the first column of a rolling operator."""
    return NAMES.index(f"{name}{WINDOWS[0]}")
