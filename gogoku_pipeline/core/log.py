"""Logging: one logger tree, set up once at a front door."""

from __future__ import annotations

import logging


def logger(name: str) -> logging.Logger:
    """The logger of a room, e.g. ``logger("ingest")`` -> ``gogoku.ingest``."""
    return logging.getLogger(f"gogoku.{name}")
