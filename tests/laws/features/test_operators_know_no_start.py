"""Operators give a value the same bits wherever the rows begin: what lets a session be appended instead of rebuilt.

Every window and recursive operator of the registry is held to it with the settings the features use, on random rows
of three stocks with gaps, ties and constant stretches; `back` is how far a window operator says it looks.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import numpy as np
import pytest

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features import operators
from gogoku_pipeline.features.expressions import Expr, P
from gogoku_pipeline.features.operators.recursive import observations, recursion
from gogoku_pipeline.features.operators.windows import count, lag, window
from gogoku_pipeline.features.registry import house

LENGTHS = (310, 3, 275)
STARTS = np.concatenate(([0], np.cumsum(LENGTHS)))


COUNTING = (count(P.close, 20), observations(P.close))
"""What the engine counts observations with, outside any formula."""


def used() -> Iterator[Expr]:
    """Every operator call of the registry, undefined cases included."""
    yield from COUNTING
    for feature in house().features:
        for formula in (feature.expr, feature.undefined):
            if formula is not None:
                yield from formula.parts()


def settings_of(kind: str) -> dict[str, Expr]:
    """One call per operator and settings."""
    calls = {f"{expr.name}{expr.params}": expr for expr in used() if expr.kind == kind}
    return dict(sorted(calls.items()))


WINDOWS = settings_of("window")
RECURSIONS = settings_of("recursive")


def prices(rng: np.random.Generator) -> np.ndarray:
    """A walk with flat stretches."""
    moves = rng.normal(0, 1.5, STARTS[-1]) * (rng.random(STARTS[-1]) < 0.7)
    return np.round(100 + np.cumsum(moves) % 90, 1)


def gappy_prices(rng: np.random.Generator) -> np.ndarray:
    """The same with rows without a value."""
    return np.where(rng.random(STARTS[-1]) < 0.08, np.nan, prices(rng))


def small_numbers(rng: np.random.Generator) -> np.ndarray:
    """Ages, flags and signs: whole numbers with ties."""
    numbers = rng.integers(-2, 12, STARTS[-1]).astype(float)
    numbers[rng.random(numbers.size) < 0.05] = np.nan
    return numbers


def arguments(expr: Expr) -> list[list[np.ndarray]]:
    rng = stream(7, "operators", expr.name, str(expr.params))
    return [[kind(rng) for _ in expr.args] for kind in (prices, gappy_prices, small_numbers)]


def results(made: object) -> list[np.ndarray]:
    return [np.asarray(part) for part in made] if isinstance(made, tuple) else [np.asarray(made)]


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    missing = np.isnan(left)
    return bool(
        np.array_equal(missing, np.isnan(right))
        and np.array_equal(left[~missing].view(np.int64), right[~missing].view(np.int64))
    )


def wanted_rows(begin: np.ndarray) -> np.ndarray:
    """Rows of every unit from its `begin` on."""
    return np.concatenate([np.arange(b, end) for b, end in zip(begin, STARTS[1:], strict=True)])


def moved_by_the_rows_asked_for(expr: Expr) -> list[int]:
    """Numbers of last rows that have other bits when only they are asked for."""
    moved = set()
    for args in arguments(expr):
        whole = results(expr.kernel(*args, STARTS, STARTS[:-1], *expr.params))
        for wanted in (1, 2, 140, 0):
            begin = np.maximum(STARTS[1:] - wanted, STARTS[:-1])
            rows = wanted_rows(begin)
            part = results(expr.kernel(*args, STARTS, begin, *expr.params))
            if not all(same_bits(a[rows], b[rows]) for a, b in zip(whole, part, strict=True)):
                moved.add(wanted)
    return sorted(moved)


def moved_by_rows_before_its_reach(expr: Expr) -> list[int]:
    """Numbers of last rows that have other bits when rows before their reach are gone."""
    moved = set()
    for args in arguments(expr):
        whole = results(expr.kernel(*args, STARTS, STARTS[:-1], *expr.params))
        for wanted in (1, 7):
            begin = np.maximum(STARTS[1:] - wanted, STARTS[:-1])
            first = np.maximum(begin - expr.back, STARTS[:-1])
            kept = np.concatenate([np.arange(a, b) for a, b in zip(first, STARTS[1:], strict=True)])
            starts = np.concatenate(([0], np.cumsum(STARTS[1:] - first)))
            cut = starts[:-1] + (begin - first)
            part = results(expr.kernel(*(x[kept] for x in args), starts, cut, *expr.params))
            rows = wanted_rows(begin)
            place = np.searchsorted(kept, rows)
            if not all(same_bits(a[rows], b[place]) for a, b in zip(whole, part, strict=True)):
                moved.add(wanted)
    return sorted(moved)


def moved_by_the_carried_state(expr: Expr) -> list[int]:
    """Numbers of first rows after which a run from the carried state has other bits, or ends in another state."""
    moved = set()
    fresh = np.zeros((len(LENGTHS), expr.state_size))
    for args in arguments(expr):
        end = fresh.copy()
        whole = results(expr.kernel(*args, STARTS, STARTS[:-1], end, *expr.params))
        for held in (1, 12, 27, 200):
            begin = np.minimum(STARTS[:-1] + held, STARTS[1:])
            rows = wanted_rows(begin)
            early = np.setdiff1d(np.arange(STARTS[-1]), rows)
            starts = np.concatenate(([0], np.cumsum(begin - STARTS[:-1])))
            state = fresh.copy()
            first = results(expr.kernel(*(x[early] for x in args), starts, starts[:-1], state, *expr.params))
            forgotten = [x.copy() for x in args]
            for x in forgotten:
                x[early] = -1e9
            second = results(expr.kernel(*forgotten, STARTS, begin, state, *expr.params))
            pieces = zip(whole, first, second, strict=True)
            same = all(same_bits(a[early], b) and same_bits(a[rows], c[rows]) for a, b, c in pieces)
            if not (same and same_bits(end.ravel(), state.ravel())):
                moved.add(held)
    return sorted(moved)


@pytest.mark.parametrize("call", WINDOWS)
def test_a_window_operator_asked_for_its_last_rows_gives_the_bits_of_the_whole(call):
    assert moved_by_the_rows_asked_for(WINDOWS[call]) == []


@pytest.mark.parametrize("call", WINDOWS)
def test_a_window_operator_reads_no_row_before_its_reach(call):
    assert moved_by_rows_before_its_reach(WINDOWS[call]) == []


@pytest.mark.parametrize("call", RECURSIONS)
def test_a_recursive_operator_in_two_pieces_gives_the_bits_of_the_whole(call):
    assert moved_by_the_carried_state(RECURSIONS[call]) == []


def running_mean(x, starts, begin, n):
    """A planted defect: a sum that runs from the first wanted row on."""
    out = np.full(x.size, np.nan)
    for a, low, b in zip(starts[:-1], begin, starts[1:], strict=True):
        first = max(a, low - n + 1)
        sums = np.concatenate(([0.0], np.cumsum(np.nan_to_num(x[first:b]))))
        place = np.arange(low, b) - first
        out[low:b] = (sums[place + 1] - sums[np.maximum(place + 1 - n, 0)]) / n
    return out


def test_a_running_sum_is_caught():
    defect = window("running_mean", running_mean, P.close, n=20)
    assert moved_by_the_rows_asked_for(defect) != []
    assert moved_by_rows_before_its_reach(defect) != []


def test_a_longer_look_than_declared_is_caught():
    expr = window("lag", lag(P.close, 20).kernel, P.close, n=20, back=19)
    assert moved_by_rows_before_its_reach(expr) == [1, 7]


def test_a_recursion_that_forgets_is_caught():
    def forgetful(x, starts, begin, state):
        return np.concatenate([np.cumsum(np.nan_to_num(x[a:b])) for a, b in zip(starts[:-1], starts[1:], strict=True)])

    assert moved_by_the_carried_state(recursion("forgetful", forgetful, P.close, size=1)) != []


@pytest.mark.parametrize("call", [*WINDOWS, *RECURSIONS])
def test_the_rows_they_are_held_to_the_law_on_have_values(call):
    expr = (WINDOWS | RECURSIONS)[call]
    extra = [np.zeros((len(LENGTHS), expr.state_size))] if expr.kind == "recursive" else []
    made = [
        results(expr.kernel(*args, STARTS, STARTS[:-1], *(state.copy() for state in extra), *expr.params))
        for args in arguments(expr)
    ]
    assert any(np.isfinite(part[-7:]).any() for parts in made for part in parts)


def test_no_kernel_of_the_operators_is_left_out():
    kernels = {}
    for found in pkgutil.iter_modules(operators.__path__, f"{operators.__name__}."):
        for name, member in vars(importlib.import_module(found.name)).items():
            code = getattr(member, "py_func", None)
            if code is not None and {"starts", "begin"} <= set(inspect.signature(code).parameters):
                kernels[f"{code.__module__}.{name}"] = member
    held = {id(expr.kernel) for expr in (*WINDOWS.values(), *RECURSIONS.values())}
    assert sorted(name for name, kernel in kernels.items() if id(kernel) not in held) == []


def carries_a_state(expr: Expr, recursive: set[str]) -> bool:
    """Whether a value comes out of a recursion, through the features it names."""
    named = expr.name.removeprefix("feature.")
    return expr.kind == "recursive" or named in recursive or any(carries_a_state(arg, recursive) for arg in expr.args)


def test_no_window_is_taken_over_what_a_recursion_gives():
    recursive: set[str] = set()
    found = []
    for feature in house().in_order(house().names):
        if feature.expr is None:
            continue
        windows = [part for part in feature.expr.parts() if part.kind == "window"]
        found += [feature.name for part in windows if any(carries_a_state(arg, recursive) for arg in part.args)]
        if carries_a_state(feature.expr, recursive):
            recursive.add(feature.name)
    assert {"rsi_14_score", "connors_rsi_score", "gap_atr"} <= recursive
    assert found == []
