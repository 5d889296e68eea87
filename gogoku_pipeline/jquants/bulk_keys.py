"""What the name of a bulk file says: which endpoint, which days. Names are parsed, never compared as text.

Forms: ``<endpoint>/historical/2025/<name>_202501.csv.gz`` for a month, ``<endpoint>/live/<name>_20260914.csv.gz`` for a
day, and Premium's own ``<endpoint>/premium/...``. Source: J-Quants V2 bulk pages; forms as observed by users.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

_KEY = re.compile(r"(premium/)?(?:historical/\d{4}|live)/[A-Za-z0-9_-]+_(\d{4})(\d{2})(\d{2})?\.csv\.gz")
_PREMIUM = "/premium/"


@dataclass(frozen=True)
class BulkFile:
    """One file that lies ready.

    Attributes:
        key: the publisher's name of it.
        last_modified: when it was last written; a change on a closed month means that the past was corrected.
        size: bytes, packed.
        first_day: first event day its name covers.
        last_day: last event day its name covers.
    """

    key: str
    last_modified: datetime
    size: int
    first_day: date
    last_day: date


def parse_entry(path: str, entry: Mapping[str, object]) -> BulkFile | None:
    """A file of an endpoint from its entry in the list; None for an entry of another form.

    The date part of the key says which days it covers: six digits a month, eight digits a day.
    """
    key, modified, size = entry.get("Key"), entry.get("LastModified"), entry.get("Size")
    home = path.strip("/") + "/"
    if not isinstance(key, str) or not key.startswith(home) or not isinstance(modified, str):
        return None
    named = _KEY.fullmatch(key.removeprefix(home))
    if named is None or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return None
    try:
        year, month, day = (int(part) if part else 0 for part in named.groups()[1:])
        first = date(year, month, day or 1)
        last = first if day else date(year, month, monthrange(year, month)[1])
        instant = datetime.fromisoformat(modified)
    except ValueError:
        return None
    return BulkFile(key, instant if instant.tzinfo else instant.replace(tzinfo=UTC), size, first, last)


def one_per_period(files: Iterable[BulkFile]) -> list[BulkFile]:
    """One file for the same days: the Premium form where both are listed, because it has more columns."""
    best: dict[tuple[date, date], BulkFile] = {}
    for file in sorted(files, key=lambda file: (_PREMIUM in file.key, file.last_modified)):
        best[file.first_day, file.last_day] = file
    return sorted(best.values(), key=lambda file: (file.first_day, file.last_day))
