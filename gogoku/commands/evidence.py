"""What `gogoku evaluate` and `gogoku compare` ask for: days and names, checked before anything is read."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from gogoku_pipeline.registry.evidence import Asked


def day(given: datetime | None) -> date | None:
    """The date of an option."""
    return given.date() if given else None


def wanted(store: Any, names: list[str], asked: "Asked", oracle: "pl.DataFrame | None") -> list[str]:
    """The names to judge; empty asks for every recipe of the walk and the oracle."""
    from gogoku_pipeline.registry.evidence import ORACLE, is_live, known_names

    known = known_names(store, asked, oracle)
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"model {unknown[0]!r}",
            got="no scores",
            want=f"one of {', '.join(known)}" if known else "at least one walk",
            remedy="Correct the name." if known else "Run `gogoku demo`, or materialise eval__gate at a cut-off.",
        )
    walked = [name for name in known if not is_live(name)]
    chosen = names or walked
    if not names and set(walked) <= {ORACLE}:
        raise ConfigError(
            "evaluation",
            got="no walk-forward scores",
            want="at least one walk, or a name",
            remedy="Run `gogoku demo`, materialise eval__gate at a cut-off, or name `served`.",
        )
    return chosen
