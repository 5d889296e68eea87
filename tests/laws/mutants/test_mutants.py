"""Planted mistakes are noticed: the table fits today's code, a few are tried always, all of them in the slow run."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogoku_pipeline.features.registry import house
from tests.house.named_tests import exists
from tests.laws.mutants.__main__ import MUTANTS, Answers, fingerprint, line, main
from tests.laws.mutants.mutant import PACKAGE, ROOT, Mutant
from tests.laws.mutants.workshop import Verdict, Workshop

QUICK = (
    "returns: the mark stands in for a close that was not traded",
    "short: the market is the mean of its sectors",
    "fundamentals: a growth over losses is a growth",
)
HARMLESS = Mutant(
    "masks",
    "other words in a docstring",
    "features/groups/masks.py",
    '"""1 where x has a value, 0 where it is null."""',
    '"""1 for a value, 0 for null."""',
    ("tests/unit/features/test_interactions_and_masks.py",),
)


def by_title(title: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.title == title)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Workshop:
    return Workshop.make(tmp_path_factory.mktemp("house"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title)
def test_a_mistake_still_has_a_place_in_the_code_and_tests_that_are_there(mutant):
    assert mutant.applies(), f"{mutant.file} has changed; say where {mutant.name!r} would be written now"
    assert mutant.old != mutant.new
    for killer in mutant.killers:
        assert (ROOT / killer).exists() or exists(killer), f"{killer} is gone"


def test_titles_are_unique():
    assert len({mutant.title for mutant in MUTANTS}) == len(MUTANTS) >= 40


def test_no_group_is_without_a_mistake():
    groups = {member.group for member in house().public} | {"graph"}
    assert groups - {mutant.group for mutant in MUTANTS} == set()


def test_the_copy_imports_itself(workshop):
    assert workshop.origin() == workshop.folder / PACKAGE


@pytest.mark.parametrize("title", QUICK)
def test_a_mistake_is_noticed_by_a_test_named_for_it(workshop, title):
    mutant = by_title(title)
    verdict = workshop.judge(mutant, suite=())
    assert verdict.expected
    assert verdict.killer.startswith(tuple(killer.partition("::")[0] for killer in mutant.killers))
    assert mutant.applies(workshop.folder), "the copy is whole again"


def test_what_changes_nothing_survives(workshop):
    verdict = workshop.judge(HARMLESS, suite=())
    assert verdict == Verdict("", expected=False)
    assert "SURVIVED" in line(HARMLESS, verdict)


def test_a_mistake_without_a_place_is_refused(workshop):
    nowhere = Mutant("masks", "nowhere", HARMLESS.file, "no such text", "", HARMLESS.killers)
    with pytest.raises(ValueError, match="0 times; want once"):
        workshop.judge(nowhere)


def test_tests_that_cannot_run_are_no_verdict(workshop):
    with pytest.raises(RuntimeError, match="did not run"):
        workshop.first_failure(["tests/no_such_file.py"])


def test_answers_are_kept_for_the_same_tree_only(tmp_path):
    path = tmp_path / "kept.json"
    mutant = MUTANTS[0]
    Answers(path, "one").add(mutant, Verdict("a test", expected=True))
    assert Answers(path, "one").of(mutant) == Verdict("a test", expected=True)
    assert Answers(path, "other").of(mutant) is None
    assert fingerprint(ROOT) == fingerprint(Path(ROOT))


@pytest.mark.slow
def test_every_mistake_is_noticed():
    assert main([]) == 0
