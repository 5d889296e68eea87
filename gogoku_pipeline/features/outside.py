"""The set that stands outside the registry, in the registry's words: `alpha158`, by qlib's names and definitions.

Belongs here: what its columns are called and the hash of what makes them. Does not belong here: their values
(`alpha158`). The laws of naming and of duplicates leave it alone: it is a yardstick, not a part of the catalogue.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.features import alpha158
from gogoku_pipeline.features.alpha158.names import NAMES, WINDOWS
from gogoku_pipeline.features.feature import Feature, Window

ALPHA158 = "alpha158"
RULE = "the 158 columns of qlib's Alpha158 by qlib's names and definitions, computed from daily bars on demand"
LOOK_BACK = max(WINDOWS)
"""Sessions before t that a column looks at."""

_SOURCES = ("bars.O", "bars.H", "bars.L", "bars.C", "bars.Vo", "bars.Va", "bars.AdjFactor")


def outside_features() -> tuple[Feature, ...]:
    """The 158 columns in qlib's order, as records a panel and a manifest understand."""
    return tuple(
        Feature(
            name=name,
            group=ALPHA158,
            family=ALPHA158,
            axis="external",
            role="stock",
            unit="ratio",
            plan="Free",
            window=Window("S", LOOK_BACK),
            min_obs=1,
            sources=_SOURCES,
            summary=f"Column {name} of qlib's Alpha158",
            formula="see `qlib.contrib.data.loader.Alpha158DL`",
        )
        for name in NAMES
    )


@cache
def outside_hash() -> str:
    """Content hash of the package that makes the columns."""
    folder = Path(str(alpha158.__file__)).parent
    return sha256_json({path.name: path.read_text() for path in sorted(folder.glob("*.py"))})
