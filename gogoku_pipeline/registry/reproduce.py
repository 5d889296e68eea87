"""A list of the past made again from what was recorded with it, and compared with it bit for bit.

A list names its model version and the version of every table it was made from; files of versions are never altered
and tables keep their old versions for ten years. So the same scores must come out, on the same kind of processor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.registry.predictions import Lineage, ranked_predictions
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.store import Store
from gogoku_pipeline.training.predict import predict_session, with_intervals

COMPARED = ("rank", "score", "interval_low", "interval_high")
_KEY = ("code", "horizon_d")


@dataclass(frozen=True)
class Reproduction:
    """A recorded list and the one made again.

    Attributes:
        session: of the list.
        lineage: what the recorded list says made it.
        rows: of the recorded list.
        differences: see `differences`; null where one list lacks the stock.
    """

    session: date
    lineage: Lineage
    rows: int
    differences: pl.DataFrame

    @property
    def is_equal(self) -> bool:
        """Whether every place and every bit of every score and interval came out again."""
        return self.differences.is_empty()


def reproduce(store: Store, session: date, panel_at: Callable[[Mapping[str, int]], Panel]) -> Reproduction:
    """Make the list of a session again and compare.

    Args:
        store: holds lists, versions and tables.
        session: whose list.
        panel_at: the panel of given table versions.

    Raises:
        PartitionMissingError: no list of that session.
        ArtefactError: the model's files are missing or altered. DatasetError: the features are declared differently
            today. StoreError: a table's version is not kept any more.
    """
    recorded = store.tables.scan(PREDICTIONS, start=session, end=session).collect()
    if recorded.is_empty():
        raise _missing(f"list of {session}", store.tables.sessions(PREDICTIONS))
    head = recorded.row(0, named=True)
    lineage = Lineage(
        head["model"],
        head["model_version"],
        head["feature_hash"],
        head["served_because"],
        json.loads(head["table_versions"]),
    )
    panel = panel_at(lineage.table_versions)
    scores = predict_session(store, lineage.model, lineage.model_version, panel, session)
    scores = with_intervals(store, lineage.model, lineage.model_version, panel, scores)
    again = ranked_predictions(scores, session, lineage, available_at=head["available_at"])
    return Reproduction(session, lineage, recorded.height, differences(recorded, again))


def recorded_sessions(store: Store, first: date, last: date) -> list[date]:
    """Sessions between two days, both included, that have a list; ascending.

    Raises:
        PartitionMissingError: there is none.
    """
    made = store.tables.sessions(PREDICTIONS)
    found = [session for session in made if first <= session <= last]
    if not found:
        raise _missing(f"lists of {first} to {last}", made)
    return found


def differences(recorded: pl.DataFrame, again: pl.DataFrame) -> pl.DataFrame:
    """Places of two lists that differ in rank, in any bit of a score or interval, or that only one of them has.

    Args:
        recorded: rows of `tables.PREDICTIONS` of one session.
        again: the same, made again.

    Returns:
        [code, horizon_d, rank, score, interval_low, interval_high, and the last four again with `_again`], by rank.
    """
    both = recorded.select(*_KEY, *COMPARED).join(
        again.select(*_KEY, pl.col(COMPARED).name.suffix("_again")), on=list(_KEY), how="full", coalesce=True
    )
    same = pl.col("rank").eq_missing(pl.col("rank_again"))
    for name in COMPARED[1:]:
        same &= _bits(name).eq_missing(_bits(f"{name}_again"))
    return both.filter(~same).sort("horizon_d", "rank", "code", nulls_last=True)


def _missing(thing: str, made: Sequence[date]) -> PartitionMissingError:
    return PartitionMissingError(
        thing,
        got=f"{len(made)} lists" + (f", {made[0]} to {made[-1]}" if made else ""),
        want="a list of that session",
        remedy="Ask for a session that `gogoku predictions` knows.",
    )


def _bits(column: str) -> pl.Expr:
    """The 64 bits of a number, so that -0 and 0 differ and nothing is rounded."""
    return pl.col(column).reinterpret(signed=True)
