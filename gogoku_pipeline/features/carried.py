"""What one computation leaves for the next session: states of recursions, newest results, and what they stand on.

Belongs here: the record, its bytes, and the checks that it fits. Does not belong here: computing it (`carrying`),
using it (`append`), where it lies (`store.carried_states`).

Arrays have one row per unit: a code, the market, or a sector. `kept` holds the last sessions through `through`, newest
in the last column, NaN where the unit had no row.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import CarriedStateError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.features.expressions import Values
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.tables import grid, prices

Place = tuple[str, str]
Prints = npt.NDArray[np.uint64]
_HEAD = "head"


@dataclass(frozen=True)
class Carried:
    """What is left after a computation through a session.

    Attributes:
        names: features it can go on with; code: `code_of` the registry that declared them.
        first, through: first session of the history it stands on, and the last one.
        codes: issues with rows near the end, ascending; asleep: issues whose rows lie further back.
        groups: grouping to its labels, ascending.
        states: (table, root) to [units, size]; kept: (table, key) to [units, sessions].
        prints: one number per session up to `through`, newest last, made of the session's prices.
        history: what the caller says the tables behind it were; compared by the caller alone.
    """

    names: tuple[str, ...]
    code: str
    first: date
    through: date
    codes: tuple[str, ...]
    asleep: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    states: Mapping[Place, Values]
    kept: Mapping[Place, Values]
    prints: Prints
    history: str = ""

    def of_history(self, history: str) -> Carried:
        """The same, with what its tables were written on it."""
        return replace(self, history=history)

    def to_bytes(self) -> bytes:
        """The record as one file."""
        head = {
            "names": self.names,
            "code": self.code,
            "first": self.first.isoformat(),
            "through": self.through.isoformat(),
            "codes": self.codes,
            "asleep": self.asleep,
            "groups": dict(self.groups),
            "states": list(self.states),
            "kept": list(self.kept),
            "history": self.history,
        }
        text = np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), np.uint8)
        arrays: dict[str, npt.NDArray[Any]] = {_HEAD: text, "prints": self.prints}
        arrays |= {f"state{number}": values for number, values in enumerate(self.states.values())}
        arrays |= {f"kept{number}": values for number, values in enumerate(self.kept.values())}
        file = io.BytesIO()
        np.savez_compressed(file, allow_pickle=False, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, payload: bytes) -> Carried:
        """Read what `to_bytes` wrote; raises CarriedStateError for anything else."""
        try:
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                head = json.loads(arrays[_HEAD].tobytes())
                return cls(
                    names=tuple(head["names"]),
                    code=head["code"],
                    first=date.fromisoformat(head["first"]),
                    through=date.fromisoformat(head["through"]),
                    codes=tuple(head["codes"]),
                    asleep=tuple(head["asleep"]),
                    groups={by: tuple(labels) for by, labels in head["groups"].items()},
                    states={(table, root): arrays[f"state{n}"] for n, (table, root) in enumerate(head["states"])},
                    kept={(table, key): arrays[f"kept{n}"] for n, (table, key) in enumerate(head["kept"])},
                    prints=arrays["prints"],
                    history=head["history"],
                )
        except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as problem:
            raise misfit("unreadable bytes", f"the bytes of Carried.to_bytes ({type(problem).__name__})") from problem


def code_of(registry: Registry) -> str:
    """Content hash of everything that decides a feature's bits: registry, engine and the staging of prices."""
    return sha256_json([registry.hash(), _engine()])


@cache
def _engine() -> dict[str, str]:
    """Source text of the engine's own modules and of those below it."""
    own = sorted(Path(__file__).parent.glob("*.py"))
    return {path.name: path.read_text() for path in (*own, Path(prices.__file__), Path(grid.__file__))}


def misfit(got: str, want: str) -> CarriedStateError:
    """The error of a carried state that does not fit what is appended to it."""
    return CarriedStateError(
        "carried state of features", got=got, want=want, remedy="Rebuild: compute the session from its whole history."
    )
