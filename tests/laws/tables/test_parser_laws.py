"""Laws of the parser, over every source: no form of a landing, no order and no mixture of rows makes a difference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogoku_pipeline.schema.columns import SourceField
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.tables.fields import read_fields
from gogoku_pipeline.tables.landings import Walk
from gogoku_pipeline.tables.parsing import Parsed, parse_rows
from gogoku_pipeline.tables.rows import RawRows, columns_of, csv_frame
from tests.unit.tables.raw_answers import LATER, WEDNESDAY, as_csv, source_row

BY_DAY = [name for name, source in SOURCES.items() if source.axis == "day"]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
NUMBERS = st.one_of(
    st.integers(0, 10**9), st.floats(0.0, 1e9, allow_nan=False), st.integers(0, 99).map(lambda n: n / 4)
)
FOREIGN: tuple[Any, ...] = (None, "", "-", "*", "n/a", 7, True, [1], "2024-02-31", "25:61", "NaN", "1e999", {"a": "1"})
"""Forms that some field honestly has and others do not."""


def walk(name: str) -> Walk:
    return Walk(name, WEDNESDAY, LATER, ({"request_key": "date=2024-05-08", "sha256": "x"},), None, LATER)


def from_pages(name: str, pages: Sequence[Sequence[dict[str, Any]]]) -> Parsed:
    rows = [row for page in pages for row in page]
    raw = RawRows(len(rows), columns_of(rows), tuple((f"sha{n}", len(page)) for n, page in enumerate(pages)), "json")
    return parse_rows(SOURCES[name], TABLE_OF[name], walk(name), raw)


def from_csv(name: str, rows: Sequence[dict[str, Any]]) -> Parsed:
    frame = csv_frame(as_csv(name, rows), len(rows))
    raw = RawRows(frame.height, {column: frame[column] for column in frame.columns}, (("sha", frame.height),), "csv")
    return parse_rows(SOURCES[name], TABLE_OF[name], walk(name), raw)


def ordered(name: str, parsed: Parsed) -> pl.DataFrame:
    return parsed.frame.sort(TABLE_OF[name].key)


def is_key(name: str, field: SourceField) -> bool:
    return field.name in (*SOURCES[name].key, SOURCES[name].event)


def honest_values(field: SourceField) -> st.SearchStrategy[Any]:
    """Values a field may honestly have."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "text": TEXTS,
        "number": NUMBERS,
        "factor": st.floats(0.01, 100.0),
        "text_number": NUMBERS.map(str),
        "date": st.dates(date(2008, 1, 1), date(2026, 1, 1)).map(date.isoformat),
        "time": st.times().map(lambda time: time.strftime("%H:%M")),
        "flag": st.sampled_from(["0", "1"]),
        "truth": st.sampled_from(["true", "false"]),
        "object": st.dictionaries(TEXTS, TEXTS, max_size=3).filter(lambda found: "Restricted" not in found),
    }
    missing = [*field.marks, *([None] if field.nullable else [])]
    return st.one_of(values[field.kind], st.sampled_from(missing)) if missing else values[field.kind]


@st.composite
def honest_rows(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    name = draw(st.sampled_from(BY_DAY))
    rows = [source_row(name, WEDNESDAY, n) for n in range(draw(st.integers(1, 4)))]
    closed = {column.source for column in TABLE_OF[name].columns if column.allowed}
    free = [f for f in SOURCES[name].fields if not is_key(name, f) and f.name != "Code" and f.name not in closed]
    for row in rows:
        for field in draw(st.lists(st.sampled_from(free), max_size=8, unique_by=lambda field: field.name)):
            row[field.name] = draw(honest_values(field))
    return name, rows


@FEW
@given(honest_rows())
def test_the_same_rows_from_pages_and_from_a_file_type_equal(drawn):
    name, rows = drawn
    pages, file = from_pages(name, [rows]), from_csv(name, rows)
    assert pages.rejects.is_empty() and file.rejects.is_empty()
    assert ordered(name, pages).equals(ordered(name, file))
    assert pages.counts.equals(file.counts)


@FEW
@given(honest_rows(), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_split_into_pages_matters(drawn, random):
    name, rows = drawn
    shuffled = list(rows)
    random.shuffle(shuffled)
    cut = random.randint(0, len(rows))
    whole, split = from_pages(name, [rows]), from_pages(name, [shuffled[:cut], shuffled[cut:]])
    assert ordered(name, whole).equals(ordered(name, split))
    assert whole.counts.equals(split.counts)


@FEW
@given(
    st.sampled_from(BY_DAY),
    st.lists(st.sampled_from(["good", "bad", "foreign day", "no date", "repeated"]), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_every_raw_row_ends_in_exactly_one_place(name, kinds, random):
    source, rows, expected = SOURCES[name], [], {"good": 0, "bad": 0, "repeated": 0}
    for n, kind in enumerate(kinds):
        row = source_row(name, WEDNESDAY, n)
        if kind == "bad":
            field = random.choice([f for f in source.fields if f.name != source.event])
            row[field.name] = [n]
        elif kind == "foreign day":
            row[source.event] = "2024-05-07"
        elif kind == "no date":
            row[source.event] = "soon"
        elif kind == "repeated" and rows and kinds[0] == "good":
            row = dict(rows[0])
        is_repeat = kind == "repeated" and rows and kinds[0] == "good"
        place = "repeated" if is_repeat else "good" if kind in ("good", "repeated") else "bad"
        expected[place] += 1
        rows.append(row)
    if expected["bad"] == len(rows) >= 10:
        return
    parsed = from_pages(name, [rows[: len(rows) // 2], rows[len(rows) // 2 :]])
    total = parsed.counts.select(pl.col("raw_rows", "rejected", "duplicates").sum()).row(0)
    assert total == (len(rows), expected["bad"], expected["repeated"])
    assert (parsed.frame.height, parsed.rejects.height) == (expected["good"], expected["bad"])
    kept = [json.loads(text) for text in parsed.rejects["row_json"]]
    assert all(row in rows for row in kept)
    assert len({(reject["sha256"], reject["row_number"]) for reject in parsed.rejects.to_dicts()}) == expected["bad"]


def is_honest(name: str, field: SourceField, value: Any) -> bool:
    """Whether the declaration lets a field of a page have this value, said without the parser."""
    columns = [column for column in TABLE_OF[name].columns if column.source == field.name]
    may_be_null = field.nullable or field.optional or any(column.nullable for column in columns)
    if value is None:
        return may_be_null
    if field.kind in ("number", "factor"):
        return value in field.marks if isinstance(value, str) else type(value) in (int, float)
    if field.kind == "object":
        return isinstance(value, dict)
    if not isinstance(value, str):
        return False
    if value in field.marks or (field.kind == "text" and (value != "" or may_be_null or not columns)):
        return not any(column.allowed or column.name == "code" for column in columns) or value in ("", *field.marks)
    return field.kind == "text" and not any(column.allowed for column in columns)


@pytest.mark.parametrize("name", list(SOURCES))
def test_every_missing_value_form_is_null_where_it_is_documented_and_quarantined_elsewhere(name):
    source, table = SOURCES[name], TABLE_OF[name]
    cases = [(field, value) for field in source.fields if field.name != "Code" for value in FOREIGN]
    good = [source_row(name, WEDNESDAY, n) for n in range(len(cases))]
    rows = [row | {field.name: value} for row, (field, value) in zip(good, cases, strict=True)]
    raw = RawRows(len(rows), columns_of(rows), (("sha", len(rows)),), "json")
    fields = read_fields(source, table, raw, "law")
    for n, (field, value) in enumerate(cases):
        reasons = [words for where, words in fields.bad.get(n, []) if where.partition(".")[0] == field.name]
        assert bool(reasons) != is_honest(name, field, value), (field.name, value, reasons)
        missing = value is None or value in field.marks if not isinstance(value, dict | list) else False
        if missing and not reasons:
            for column in (column for column in table.columns if column.source == field.name):
                assert fields.frame[column.name][n] is None, (field.name, value)


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_key_absent_from_one_row_only_is_quarantined_unless_it_came_later(name):
    source, table = SOURCES[name], TABLE_OF[name]
    rows = []
    for n, field in enumerate(source.fields):
        row = source_row(name, WEDNESDAY, n)
        del row[field.name]
        rows.append(row)
    rows.append(source_row(name, WEDNESDAY, len(rows)))
    raw = RawRows(len(rows), columns_of(rows), (("sha", len(rows)),), "json")
    fields = read_fields(source, table, raw, "law")
    for n, field in enumerate(source.fields):
        absent = [words for where, words in fields.bad.get(n, []) if where == field.name]
        assert absent == ([] if field.optional else ["the key is absent"])
    assert len(source.fields) not in fields.bad
