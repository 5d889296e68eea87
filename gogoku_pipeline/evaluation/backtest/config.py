"""What is traded, how often, with how much money, and what trading costs. Plain frozen values, so a result names them.

Source: evaluation protocol, section 6. Where the protocol gives no figure, the field's docstring says where ours is
from; the defaults lean to the dear side.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Literal

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.fingerprints import sha256_json

ENGINE_VERSION = "1"
"""Changes whenever the same inputs may give other accounts; part of every result."""

Side = Literal["long_only", "long_short"]
Rebalance = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True)
class CostConfig:
    """What trading and holding cost.

    Attributes:
        commission_bounds_jpy: upper bounds of the tiers of an order's value, ascending.
        commission_rates: rate of each tier, one more than bounds: the last is for anything larger. Between what
            brokers ask of institutions and of households.
        half_spread_ticks: ticks lost to the spread per share and side; half a tick is the narrowest possible spread.
        impact: Y in cost = Y x daily volatility x sqrt(shares / average daily shares) x value; of order one in the
            literature (Grinold & Kahn 2000; Toth et al. 2011).
        unknown_volatility: daily volatility of an issue with fewer than ten observations.
        borrow_fee: yearly rate on the value of borrowed shares, per calendar day (standardised margin: 1.15 %).
        dividend_tax: share of a dividend withheld from a holder (15.315 % national and 5 % local tax).
        short_dividend_share: share of a dividend a borrower pays the lender; 0.84685 for standardised margin, 1 for a
            stock loan.
    """

    commission_bounds_jpy: tuple[float, ...] = (1e6, 1e7, 1e8)
    commission_rates: tuple[float, ...] = (0.0010, 0.0005, 0.0003, 0.0002)
    half_spread_ticks: float = 0.5
    impact: float = 1.0
    unknown_volatility: float = 0.03
    borrow_fee: float = 0.0115
    dividend_tax: float = 0.20315
    short_dividend_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse costs that mean nothing."""
        bounds = tuple(self.commission_bounds_jpy)
        _require(len(self.commission_rates) == len(bounds) + 1, self, "one commission rate more than bounds")
        _require(
            bounds == tuple(sorted(set(bounds))) and min(bounds, default=1.0) > 0, self, "ascending bounds above 0"
        )
        _require(min(self.commission_rates) >= 0, self, "commission rates of 0 or more")
        floors = (self.half_spread_ticks, self.impact, self.unknown_volatility, self.borrow_fee)
        _require(min(floors) >= 0, self, "costs of 0 or more")
        shares = (self.dividend_tax, self.short_dividend_share)
        _require(all(0 <= share <= 1 for share in shares), self, "dividend shares between 0 and 1")

    @classmethod
    def free(cls) -> CostConfig:
        """No cost, no tax, no fee: what the prices alone would have paid."""
        return cls((), (0.0,), 0.0, 0.0, 0.03, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class BacktestConfig:
    """One strategy.

    Attributes:
        side: `long_only` buys the best names; `long_short` also sells the worst that can be borrowed.
        rebalance: decide after every session, or after the last session of a week or of a month.
        enter: names held on a side; below 1 it is a share of that day's ranked names.
        leave: a held name stays while its rank is within this many names (or this share): the hysteresis band.
        horizon_d: which scores count, where a frame has several horizons; also how long after the last scored session
            the accounts go on.
        capital_jpy: money at the start.
        gross_long: value bought per yen of equity.
        gross_short: value sold short per yen of equity; read only by `long_short`.
        lot_shares: shares of a trading unit.
        participation: largest share of the average daily volume that is traded in one session.
        volume_window: sessions of that average, the last one being the session of the decision.
        drift_band: a kept name is traded only when its value is further than this share from its target.
        min_names: a session that ranks fewer names decides nothing.
        costs: what trading costs.
    """

    side: Side = "long_only"
    rebalance: Rebalance = "weekly"
    enter: float = 35
    leave: float = 60
    horizon_d: int = 5
    capital_jpy: float = 1e8
    gross_long: float = 1.0
    gross_short: float = 1.0
    lot_shares: int = 100
    participation: float = 0.05
    volume_window: int = 20
    drift_band: float = 0.25
    min_names: int = 10
    costs: CostConfig = field(default_factory=CostConfig)

    def __post_init__(self) -> None:
        """Refuse strategies that mean nothing."""
        _require(self.side in ("long_only", "long_short"), self, "side long_only or long_short")
        _require(self.rebalance in ("daily", "weekly", "monthly"), self, "rebalance daily, weekly or monthly")
        _require(0 < self.enter <= self.leave, self, "0 < enter <= leave")
        _require((self.enter < 1) == (self.leave < 1), self, "enter and leave both as counts or both as shares below 1")
        _require(self.enter < 1 or self.enter == int(self.enter), self, "a whole number of names")
        _require(self.side == "long_only" or self.enter >= 1 or self.enter <= 0.5, self, "sides that do not overlap")
        _require(self.capital_jpy > 0 and self.gross_long > 0 and self.gross_short > 0, self, "money above 0")
        _require(self.side == "long_short" or self.gross_long <= 1, self, "gross_long of at most 1 without borrowing")
        _require(0 < self.participation <= 1, self, "participation in (0, 1]")
        _require(min(self.lot_shares, self.volume_window, self.horizon_d, self.min_names) >= 1, self, "whole numbers")
        _require(self.drift_band >= 0, self, "drift_band of 0 or more")

    @classmethod
    def long_short(cls) -> BacktestConfig:
        """Best against worst decile, with the same width of band as 35 to 60."""
        return cls(side="long_short", enter=0.10, leave=0.17)

    def slots(self, names: int) -> int:
        """How many of so many ranked names a side holds."""
        return _count(self.enter, names)

    def band(self, names: int) -> int:
        """Within which rank a held name stays."""
        return max(_count(self.leave, names), self.slots(names))

    @property
    def fingerprint(self) -> str:
        """Hash of every setting and of the engine."""
        return sha256_json({"engine": ENGINE_VERSION, **asdict(self)})


def _count(size: float, names: int) -> int:
    return max(round(size * names), 1) if size < 1 else int(size)


def _require(holds: bool, config: object, want: str) -> None:
    if not holds:
        given = {item.name: getattr(config, item.name) for item in fields(config)}  # type: ignore[arg-type]
        raise ConfigError(
            type(config).__name__,
            got=str(given),
            want=want,
            remedy="Correct the field; each is explained in its docstring.",
        )
