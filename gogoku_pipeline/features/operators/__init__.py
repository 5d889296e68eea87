"""Operators: the verbs features are written in, each one a compiled kernel over a stock's own sessions.

Belongs here: lags, windows, moments, regressions, recursions, cross-sections. A window kernel starts every window
afresh (no running sums), so a value depends on the window's values alone: not on where the frame begins, on other
stocks or on later rows, to the last bit.
Does not belong here: names, units, minimum observations (the engine enforces them) or anything about one feature.
"""
