"""The named set `alpha158`: the 158 price and volume columns of Microsoft's qlib, by qlib's names and definitions.

Belongs here: those columns, made by one kernel per stock. Does not belong here: features of the catalogue; the names
are qlib's, so the laws of naming, of duplicates and of counts leave this set alone.
"""
