"""Which source a file belongs to: by the publisher's name for it, else by its columns."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import PurePath

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.ingest.contents import missing_fields
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.tables import Source

_DATED = re.compile(r"(?P<name>[a-z0-9_]+?)_(?P<month>\d{6})(?P<day>\d{2})?\b")


def source_by_name(file_name: str) -> Source | None:
    """The source whose path the publisher's file name spells: ``equities_bars_daily_202501.csv.gz``.

    The longest path decides; None if no path fits.
    """
    found = _DATED.match(PurePath(file_name).name.lower().replace("-", "_"))
    return _BY_PATH.get(found["name"]) if found else None


def month_by_name(file_name: str) -> tuple[date, date] | None:
    """First and last day of the month that the publisher's name of a closed month spells; None for any other name."""
    found = _DATED.match(PurePath(file_name).name.lower().replace("-", "_"))
    if found is None or found["day"] or found["name"] not in _BY_PATH:
        return None
    try:
        first = date(int(found["month"][:4]), int(found["month"][4:]), 1)
    except ValueError:
        return None
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def source_by_header(thing: str, names: tuple[str, ...]) -> Source:
    """The source whose declared fields a header holds, with the fewest columns left over.

    Raises:
        SchemaError: no source fits, or several fit equally well.
    """
    fitting = [source for source in SOURCES.values() if source.axis != "now" and not missing_fields(source, names)]
    if not fitting:
        raise _unknown(thing, f"columns {', '.join(names[:8])}{' ...' if len(names) > 8 else ''} of no known source")
    nearest = min(_distance(source, names) for source in fitting)
    best = [source for source in fitting if _distance(source, names) == nearest]
    if len(best) > 1:
        raise _unknown(thing, f"columns that fit {' and '.join(source.name for source in best)}")
    return best[0]


def _distance(source: Source, names: tuple[str, ...]) -> tuple[int, int, int]:
    """Columns nobody declared, columns that are documented but not typed, declared columns that are not there."""
    typed = {field.name for field in source.fields}
    known = typed | set(source.untyped)
    return len(set(names) - known), len(set(names) - typed), len(typed - set(names))


def _unknown(thing: str, got: str) -> SchemaError:
    return SchemaError(
        thing,
        got=got,
        want="the publisher's file name, or the columns of one source",
        remedy="Name the source: `gogoku fetch --from-files DIR --source NAME`.",
    )


_BY_PATH = {source.path.strip("/").replace("/", "_").replace("-", "_"): source for source in SOURCES.values()}
