"""What a fetch brought, and who watches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from gogoku_pipeline.jquants import Utilisation


class Progress(Protocol):
    """Somebody who watches."""

    def advance(self, n: int, text: str) -> None:
        """`n` more event days are done; `text` says what the last one was."""
        ...


@dataclass(frozen=True)
class FetchReport:
    """What a fetch of one source did.

    Attributes:
        source: our name of the endpoint.
        requested: sessions asked for (range and present calls: 1).
        fetched_pages: pages landed now.
        resumed: requests continued at a later page than the first.
        skipped_complete: event days left out because they had landed completely before.
        skipped_uncovered: event days outside the plan's window.
        rows: rows landed now in pages.
        empty: event days without rows on which none are due.
        utilisation: what became of the allowed rate of the source's budget.
        not_in_plan: the plan lacks the source; the refusal itself was landed.
        bulk_files: monthly files landed now.
        bulk_rows: rows in them.
        not_yet: event days of which nothing is published yet.
        provisional: event days landed before their final hour; they are asked again next time.
        before_start: event days before the publisher's first one.
        is_unavailable: the service has nothing to say at this hour (a source of the present only).
        warnings: what a person should know, in words: files that were not used, and why.
    """

    source: str
    requested: int
    fetched_pages: int = 0
    resumed: int = 0
    skipped_complete: int = 0
    skipped_uncovered: list[date] = field(default_factory=list)
    rows: int = 0
    empty: list[date] = field(default_factory=list)
    utilisation: Utilisation = field(default_factory=lambda: Utilisation(0, 0.0, 0.0, 0.0, 0))
    not_in_plan: bool = False
    bulk_files: int = 0
    bulk_rows: int = 0
    not_yet: list[date] = field(default_factory=list)
    provisional: list[date] = field(default_factory=list)
    before_start: int = 0
    is_unavailable: bool = False
    warnings: list[str] = field(default_factory=list)
