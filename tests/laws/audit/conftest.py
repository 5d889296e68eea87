"""The market and the case of the audit's own tests."""

from tests.unit.audit.conftest import case, market, spoilt

__all__ = ["case", "market", "spoilt"]
