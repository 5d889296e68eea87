"""What a kill may not leave: sessions that hold a part of their rows, landings that are not what they are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import zstandard

from gogoku_pipeline.core.errors import GogokuError
from gogoku_pipeline.core.fingerprints import sha256_bytes, sha256_frame
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.raw_requests import RAW_REQUESTS
from tests.endurance.premium_road import contents, faults_of_landings, faults_of_tables


@dataclass
class Truth:
    """What an undisturbed run left: by table its whole hash, and the hash of every session."""

    whole: dict[str, str]
    sessions: dict[str, dict[date, str]]

    @classmethod
    def of(cls, store: Store, sources: Sequence[str]) -> Truth:
        """Read it off a store."""
        return cls(contents(store, sources), {name: hashes(store, name) for name in sources})


def hashes(store: Store, name: str) -> dict[date, str]:
    """Hash of each session that a table holds rows of; a table without sessions counts as one day."""
    table = TABLE_OF[name]
    frame = store.tables.scan(table).sort(table.key).collect()
    if not table.partitioned:
        return {date.min: sha256_frame(frame)} if frame.height else {}
    parts = frame.partition_by("session", as_dict=True, maintain_order=True)
    return {key[0]: sha256_frame(part) for key, part in parts.items()}


def wounds(store: Store, truth: Truth) -> tuple[list[str], int]:
    """What a kill broke (nothing if everything is whole or absent), and how many sessions of tables are there."""
    try:
        sources, there = tuple(truth.sessions), 0
        found = faults_of_landings(store, sources) + faults_of_tables(store, sources) + half_objects(store)
        for name in sources:
            table, held = TABLE_OF[name], hashes(store, name)
            there += len(held)
            for session, what in held.items():
                if what != truth.sessions[name].get(session):
                    found.append(f"{table.name} {session}: not the rows of an undisturbed run")
            if table.partitioned and store.tables.exists(table):
                empty = set(store.tables.sessions(table)) - set(held)
                if lost := sorted(empty & set(truth.sessions[name])):
                    found.append(f"{table.name}: {len(lost)} sessions written without their rows")
    except (GogokuError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as problem:
        return [f"unreadable: {type(problem).__name__}: {problem}"], 0
    return found, there


def half_objects(store: Store) -> list[str]:
    """Landed objects the index does not name (yet) whose bytes are not those of their name."""
    found = []
    index = store.tables.scan(RAW_REQUESTS, ordered=False).select("object_key").collect()
    for key in sorted(set(store.objects.list("raw")) - set(index["object_key"])):
        digest, _, suffix = key.rpartition("/")[2].partition(".")
        kept = store.objects.get(key)
        payload = zstandard.ZstdDecompressor().decompress(kept) if suffix == "json.zst" else kept
        if sha256_bytes(payload) != digest:
            found.append(f"object {key}: not the bytes of its name")
    return found
