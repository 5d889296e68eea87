"""How large a market, from when, from which seed, and how strong each planted effect is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date

from gogoku_pipeline.core.errors import ConfigError


@dataclass(frozen=True)
class Dials:
    """Strength of each planted effect; 1 is the documented default, 0 removes it.

    Attributes:
        reversal: last week's relative losers recover.
        momentum: winners of the sessions t-100..t-20 go on.
        interaction: last month's move goes on in liquid issues and turns back in illiquid ones.
        graph: neighbours' volume shocks decide whether a move turns back.
        lead: leaders pull their group.
        earnings: prices jump at a disclosure and drift on for weeks (0 removes both).
        crowding: issues crowded with margin buyers fall behind.
        flow: foreigners' buying lifts large issues relative to small ones.
        skew: a steep put skew of the index options holds back issues with a high beta.
        overall: multiplies all of them.
    """

    reversal: float = 1.0
    momentum: float = 1.0
    interaction: float = 1.0
    graph: float = 1.0
    lead: float = 1.0
    earnings: float = 1.0
    crowding: float = 1.0
    flow: float = 1.0
    skew: float = 1.0
    overall: float = 1.0

    @classmethod
    def zero(cls) -> Dials:
        """A market without any edge."""
        return cls(**{item.name: 0.0 for item in fields(cls)})

    @classmethod
    def only(cls, name: str) -> Dials:
        """A market with one planted effect at its default strength."""
        return replace(cls.zero(), overall=1.0, **{name: 1.0})


@dataclass(frozen=True)
class MarketConfig:
    """Everything that decides a market; equal configurations give equal bytes.

    Attributes:
        n_issues: issues that exist at some time (all kinds).
        n_sessions: trading sessions from `start` on.
        start: first calendar day.
        seed: root of every random stream.
        dials: planted effects.
        size: name of the preset, for people.
        turns: ascending dates from which on other dials are in force: how an edge dies, or comes back.
    """

    n_issues: int = 60
    n_sessions: int = 160
    start: date = date(2020, 6, 1)
    seed: int = 7
    dials: Dials = field(default_factory=Dials)
    size: str = "custom"
    turns: tuple[tuple[date, Dials], ...] = ()

    def __post_init__(self) -> None:
        """Refuse markets too small to hold the events every market has, and turns out of order."""
        if self.n_issues < 24 or self.n_sessions < 30:
            raise ConfigError(
                "MarketConfig",
                got=f"{self.n_issues} issues and {self.n_sessions} sessions",
                want="at least 24 issues and 30 sessions",
                remedy='Use MarketConfig.preset("tiny").',
            )
        days = [day for day, _ in self.turns]
        if days != sorted(set(days)):
            raise ConfigError(
                "MarketConfig turns",
                got=", ".join(map(str, days)),
                want="strictly ascending dates",
                remedy="Sort them; one set of dials per date.",
            )

    def dials_on(self, sessions: Sequence[date]) -> tuple[Dials, ...]:
        """The dials in force on each session: those of the newest turn up to it, `dials` before the first."""
        since = [day for day, _ in self.turns]
        in_force = (self.dials, *(dials for _, dials in self.turns))
        return tuple(in_force[bisect_right(since, session)] for session in sessions)

    @classmethod
    def preset(cls, size: str, *, seed: int = 7, dials: Dials | None = None) -> MarketConfig:
        """A named size: `tiny` (60 x 160), `small` (250 x 500) or `full` (4,400 x 2,500, from 2016)."""
        sizes = {
            "tiny": (60, 160, date(2020, 6, 1)),
            "small": (250, 500, date(2020, 6, 1)),
            "full": (4400, 2500, date(2016, 1, 4)),
        }
        if size not in sizes:
            raise ConfigError(
                "market size", got=repr(size), want=f"one of {list(sizes)}", remedy="Or give MarketConfig its fields."
            )
        n_issues, n_sessions, start = sizes[size]
        return cls(n_issues, n_sessions, start, seed, dials or Dials(), size)
