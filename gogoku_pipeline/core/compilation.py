"""How kernels are compiled, and when a compiled one on disk may be used again.

Belongs here: the decorators of every kernel of the house. Does not belong here: kernels.

Numba keeps compiled kernels beside their source and takes them again while the source file is the same. It does not
look at what a kernel calls: after a change in another file the old machine code would go on answering. Here a kernel
is stamped with everything it reaches: its own file, the code of every kernel it calls, and every constant they read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

Kernel = Callable[..., Any]

KERNELS: list[Dispatcher] = []
"""Every kernel of the modules imported so far, in the order in which they were declared."""


def compiled(function: Kernel) -> Kernel:
    """Compiled once, kept on disk, IEEE division, no re-ordering of sums, other threads go on while it runs."""
    return _kept(numba.njit(nogil=True, error_model="numpy")(function))


def reassociated(function: Kernel) -> Kernel:
    """Like `compiled`, for sums the compiler may take in an order of its own: one order per machine, for every call."""
    return _kept(numba.njit(nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})(function))


def reach(function: Kernel) -> str:
    """Hash of a kernel's code and of all it reaches through the names it reads: kernels, modules, constants.

    Args:
        function: a compiled kernel or the plain function under it.
    """
    digest = hashlib.sha256()
    for piece in _pieces(_plain(function), set()):
        digest.update(piece.encode())
    return digest.hexdigest()


class _KernelCache(FunctionCache):
    """Numba's cache of one kernel, whose stamp also holds what the kernel calls.

    The stamp is taken when the kernel is first needed, not when it is declared: what it calls may stand below it.
    """

    def __init__(self, function: Kernel) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]  # Numba has no types
        self._own = self._impl.locator.get_source_stamp()
        self._function = function

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        self._cache_file._source_stamp = (self._own, reach(self._function))
        return super().load_overload(signature, target_context)  # type: ignore[no-untyped-call]  # Numba has no types

    def save_overload(self, signature: Any, data: Any) -> None:
        self._cache_file._source_stamp = (self._own, reach(self._function))
        super().save_overload(signature, data)  # type: ignore[no-untyped-call]  # Numba has no types


def _kept(dispatcher: Any) -> Kernel:
    dispatcher._cache = _KernelCache(dispatcher.py_func)
    KERNELS.append(dispatcher)
    kept: Kernel = dispatcher
    return kept


def _plain(value: Any) -> Any:
    return value.py_func if isinstance(value, Dispatcher) else value


def _pieces(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """Everything that makes up a function's meaning, as text."""
    if function in seen:
        return
    seen.add(function)
    names: set[str] = set()
    for code in _codes(function.__code__):
        yield repr((code.co_code, code.co_names, code.co_varnames))
        yield repr([value for value in code.co_consts if not isinstance(value, CodeType)])
        names.update(code.co_names)
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    reached = [(name, function.__globals__[name]) for name in sorted(names) if name in function.__globals__]
    for name, value in (*reached, *((name, cell.cell_contents) for name, cell in cells)):
        yield from _value(name, value, names, seen)


def _value(name: str, value: Any, names: set[str], seen: set[FunctionType]) -> Iterator[str]:
    plain = _plain(value)
    if isinstance(plain, FunctionType):
        yield name
        yield from _pieces(plain, seen)
    elif isinstance(value, ModuleType):
        if value.__name__.startswith(f"{__name__.partition('.')[0]}."):
            for inner in sorted(names & vars(value).keys()):
                yield from _value(f"{name}.{inner}", vars(value)[inner], names, seen)
    elif isinstance(value, np.ndarray):
        yield f"{name}={value.dtype.str}{value.shape}{value.tobytes().hex()}"
    elif not isinstance(value, type):
        yield f"{name}={value!r}"


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and those nested in it."""
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _codes(value)
