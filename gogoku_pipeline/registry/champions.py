"""Who serves: verdicts are appended, the champion of a day is read from them and nothing else.

Because the answer for a day depends only on verdicts decided for that day or earlier, asking again years later (or in
a backfill) gives the same champion.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ArtefactError, RegistryError
from gogoku_pipeline.registry.refreshes import accepted_refreshes, other_design
from gogoku_pipeline.registry.tables import CHAMPIONS
from gogoku_pipeline.store import CommitInfo, Store

BASELINE = "lightgbm"
"""Serves whenever nothing was promoted or what was promoted cannot be read."""

_DESIGN = ("model", "recipe_hash", "feature_hash")
"""Promotions that share these are of one design."""


@dataclass(frozen=True)
class VerdictRecord:
    """One line of the history; see `tables.CHAMPIONS` for the fields."""

    decided_for: date
    recorded_at: datetime
    model: str
    version: str
    decision: str
    reasons: tuple[str, ...]
    cutoff: date
    config_hash: str
    feature_hash: str
    recipe_hash: str | None = None


@dataclass(frozen=True)
class Champion:
    """Who serves on a day, and why.

    Attributes:
        model: name of the recipe.
        version: its trained version; None for the baseline by default, whose newest version serves.
        decided_for: session of the promotion; None for the baseline by default.
        reason: one sentence.
        since: session of the first of the promotions that followed each other of this very design (model, recipe,
            features): the gate judges every week, and a record that began anew each time would never say anything.
    """

    model: str
    version: str | None
    decided_for: date | None
    reason: str
    since: date | None = None


def record_verdict(store: Store, record: VerdictRecord, *, commit: CommitInfo) -> bool:
    """Append a verdict to the history.

    Args:
        store: where the history is kept.
        record: the verdict.
        commit: who writes.

    Returns:
        True if a line was written; False if the same verdict already stands (a run was repeated).

    Raises:
        RegistryError: trained on labels after the session it would serve, decided for a day that has not come,
            another version already promoted for that session, or the opposite verdict on the same version.
    """
    _refuse_the_future(record)
    past = history(store).filter(decided_for=record.decided_for)
    same = past.filter(model=record.model, version=record.version)
    if same.height:
        stands = set(same["decision"])
        if stands != {record.decision}:
            raise _bad(
                record, f"a verdict {record.decision}, though {sorted(stands)} stands", "one verdict per version"
            )
        return False
    promoted = past.filter(decision="promote")
    if record.decision == "promote" and promoted.height:
        other = f"{promoted['model'][0]} {promoted['version'][0]}"
        raise _bad(record, f"a second promotion beside {other}", "at most one promotion per session")
    row = {**record.__dict__, "reasons": json.dumps(list(record.reasons), ensure_ascii=False)}
    store.tables.append(CHAMPIONS, pl.DataFrame([row], schema=CHAMPIONS.polars_schema), commit=commit)
    return True


def history(store: Store) -> pl.DataFrame:
    """All verdicts, oldest first, as `tables.CHAMPIONS` declares them."""
    return store.tables.scan(CHAMPIONS).collect()


def champion(store: Store, at: date) -> Champion:
    """Who serves on a session: the newest promotion decided for it or earlier, else the baseline."""
    return champions(store, [at])[at]


def champions(store: Store, sessions: Sequence[date]) -> dict[date, Champion]:
    """`champion` of every session, from one reading of the history."""
    promoted = history(store).filter(decision="promote").sort("decided_for", "recorded_at")
    is_other = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in _DESIGN)
    first = pl.when(is_other | (pl.int_range(pl.len()) == 0)).then("decided_for").forward_fill()
    rows = promoted.select("decided_for", "model", "version", first.alias("since")).rows()
    found = [Champion(model, name, day, f"champion: promoted for {day}", since) for day, model, name, since in rows]
    days = [day for day, *_ in rows]

    def on(at: date) -> Champion:
        nobody = Champion(BASELINE, None, None, f"baseline: nothing was promoted up to {at}")
        return found[place - 1] if (place := bisect_right(days, at)) else nobody

    return {at: on(at) for at in sessions}


@dataclass(frozen=True)
class Serving:
    """A verified version that may score a session.

    Attributes:
        model: name of the recipe.
        version: version of its files, all of them read and verified.
        manifest: what training wrote about it.
        reason: why it serves; says so when the baseline stands in for the champion.
    """

    model: str
    version: str
    manifest: Mapping[str, object]
    reason: str


def serving(
    store: Store, at: date, *, baseline: str = BASELINE, feature_hash: str | None = None, suspended: str = ""
) -> Serving:
    """The version that serves on a session: the champion's if it can, else the baseline's newest.

    The baseline's newest version is the one with the latest `cutoff` in its manifest that is not after `at`; versions
    whose files are missing or altered are passed over, and the reason says so.

    Args:
        store: holds verdicts and versions.
        at: the session.
        baseline: name of the recipe that stands in.
        feature_hash: catalogue of the panel that will be scored; versions of another one cannot serve. None: any.
        suspended: why the champion may not serve although its files are sound; empty when it may.

    Raises:
        RegistryError: no sound version of the baseline either.
    """
    chosen = champion(store, at)
    remarks: list[str] = [chosen.reason]
    if chosen.version is not None:
        found = serving_champion(store, chosen, at, feature_hash)
        if isinstance(found, Serving) and not suspended:
            return found
        why = suspended if isinstance(found, Serving) else found
        version = found.version if isinstance(found, Serving) else chosen.version
        remarks = [f"baseline: {chosen.model} {version} cannot serve ({why})"]
    return serving_baseline(store, at, remarks, baseline=baseline, feature_hash=feature_hash)


def serving_champion(store: Store, chosen: Champion, at: date, feature_hash: str | None = None) -> Serving | str:
    """The champion's weights of a session with all files verified, or in words what keeps it from serving.

    The newest accepted refresh of the promoted version up to the session serves; one whose files are missing or
    altered, or of another design, is passed over for the one before, and at last for the promoted version itself.

    Args:
        store: holds versions, verdicts and refreshes.
        chosen: who is champion.
        at: the session.
        feature_hash: as `serving` takes it.
    """
    if chosen.version is None:
        return "nothing was promoted"
    promoted = _sound(store, chosen.model, chosen.version, feature_hash)
    remarks: list[str] = []
    for day, version in accepted_refreshes(store, chosen.model, chosen.version, at):
        found = _sound(store, chosen.model, version, feature_hash)
        if not isinstance(found, str) and not isinstance(promoted, str):
            found = other_design(promoted, found) or found
        if not isinstance(found, str):
            reason = "; ".join([f"{chosen.reason}, weights of {day}", *remarks])
            return Serving(chosen.model, version, found, reason)
        remarks.append(f"refresh {version} passed over ({found})")
    if isinstance(promoted, str):
        return "; ".join([promoted, *remarks])
    return Serving(chosen.model, chosen.version, promoted, "; ".join([chosen.reason, *remarks]))


def serving_baseline(
    store: Store, at: date, remarks: list[str], *, baseline: str = BASELINE, feature_hash: str | None = None
) -> Serving:
    """The newest sound version of the baseline trained up to a session; RegistryError where there is none.

    Args:
        store: holds versions.
        at: the session.
        remarks: why it serves; what is passed over is added.
        baseline: its name.
        feature_hash: as `serving` takes it.
    """
    for version, _ in _baseline_versions(store, baseline, at, remarks):
        found = _sound(store, baseline, version, feature_hash)
        if not isinstance(found, str):
            return Serving(baseline, version, found, "; ".join(remarks))
        remarks.append(f"{version} passed over ({found})")
    raise RegistryError(
        f"model for {at}",
        got="; ".join(remarks),
        want=f"a sound version of {baseline} trained up to {at}",
        remedy=f"Materialise model__{baseline} for a cut-off up to that session.",
    )


def _sound(store: Store, model: str, version: str, feature_hash: str | None) -> Mapping[str, object] | str:
    """The manifest of a version whose files are all there and unaltered, or what is wrong with it."""
    try:
        manifest = store.artefacts.load(model, version).manifest
    except ArtefactError as problem:
        return problem.got
    if feature_hash is not None and manifest.get("feature_hash") != feature_hash:
        return f"trained on feature catalogue {str(manifest.get('feature_hash'))[:12]}, not {feature_hash[:12]}"
    return manifest


def _baseline_versions(
    store: Store, baseline: str, at: date, remarks: list[str]
) -> list[tuple[str, Mapping[str, object]]]:
    """Versions trained up to a session, newest cut-off first; unreadable manifests are remarked on."""
    found: list[tuple[str, str, Mapping[str, object]]] = []
    for version in store.artefacts.versions(baseline):
        try:
            manifest = store.artefacts.manifest(baseline, version)
        except ArtefactError as problem:
            remarks.append(f"{version} passed over ({problem.got})")
            continue
        cutoff = str(manifest.get("cutoff", ""))
        if cutoff and cutoff <= at.isoformat():
            found.append((cutoff, version, manifest))
    return [(version, manifest) for _, version, manifest in sorted(found, key=lambda f: f[:2], reverse=True)]


def _refuse_the_future(record: VerdictRecord) -> None:
    if record.recorded_at.tzinfo is None:
        raise _bad(record, "a naive recorded_at", "an aware instant")
    if record.cutoff > record.decided_for:
        raise _bad(record, f"training up to {record.cutoff}", f"a cut-off not after {record.decided_for}")
    written = record.recorded_at.astimezone(JST).date()
    if record.decided_for > written:
        raise _bad(record, f"a decision for {record.decided_for}", f"a session up to {written}, when it was recorded")


def _bad(record: VerdictRecord, got: str, want: str) -> RegistryError:
    return RegistryError(
        f"verdict on {record.model} {record.version} for {record.decided_for}",
        got=got,
        want=want,
        remedy="The history is append-only: judge again for a later session.",
    )
