"""The units columns are counted in, and what a number of each can be on this market."""

UNIT_RANGES: dict[str, tuple[float, float]] = {
    "JPY": (0.0, 1e14),
    "JPY, signed": (-1e15, 1e15),
    "JPY per share": (-1e8, 1e8),
    "JPY per USD": (20.0, 1_000.0),
    "thousand JPY": (0.0, 1e12),
    "thousand JPY, signed": (-1e12, 1e12),
    "million JPY": (0.0, 1e9),
    "shares": (0.0, 1e12),
    "shares, signed": (-1e12, 1e12),
    "trading units": (0.0, 1e12),
    "contracts": (0.0, 1e9),
    "quoted price": (0.0, 1e8),
    "ratio": (1e-6, 1e6),
    "decimal": (-1e6, 1e6),
    "times": (-1e7, 1e7),
    "percent": (-1e5, 1e9),
    "points": (1.0, 1e6),
    "sessions": (0.0, 1e5),
}
"""Smallest and largest honest value by unit, with room to spare; a value outside was sent in another unit.

`ratio` is a positive factor; `decimal` a share or return written as a decimal (0.05), also negative; `times` a
multiple such as price to earnings; `quoted price` what a derivative is quoted in (points or yen; 0 = no trade).
"""
