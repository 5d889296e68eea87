"""`python -m tests.laws.table [file.csv]`: every law over every registered feature and the graph, as a table.

A cell is the number of violations of one law by one feature, or empty where the law does not speak of it: isolation
speaks of a stock's own features, re-basing of public ones, the graph's laws of its measures.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from gogoku_pipeline.features import laws
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import FIRST, LAST, Violation
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph import laws as graph_laws
from gogoku_pipeline.graph.catalogue import catalogue
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.node_features import MEASURES
from tests.laws.features.small_market import NEWCOMER, SESSIONS, inputs_of, market_bars, small_tables

CUT, START, STOCK = SESSIONS[180], SESSIONS[280], "10050"
DAYS = SESSIONS[276:280]
CONFIG = GraphConfig(min_nodes=12, k=4)

KEPT = Path(__file__).parents[2] / ".pytest_cache" / "d" / "small_market"
"""Where the tests keep what the simulator lends."""


@dataclass(frozen=True)
class Subject:
    """What is judged: the small market, and the features of it."""

    inputs: FeatureInputs
    names: tuple[str, ...]

    @cached_property
    def own(self) -> tuple[str, ...]:
        """Features of a stock that no other stock may move."""
        return tuple(name for name in self.names if not laws.uses_universe(house(), name))

    @cached_property
    def public(self) -> tuple[str, ...]:
        """All but intermediates."""
        return tuple(name for name in self.names if not house().feature(name).is_internal)

    @cached_property
    def returns(self) -> pl.DataFrame:
        """What the graph reads."""
        named = ["ret_1d", "ret_5d", "xs_ret_1d", "mkt_ret_1d"]
        frame = compute(named, self.inputs, start=FIRST, end=LAST, registry=house())
        return graph_returns(frame.lazy(), frame.lazy(), self.inputs.universe.lazy())

    @cached_property
    def outsider(self) -> str:
        """A stock that is no member on the days of the graph."""
        days = self.returns.filter(pl.col("session").is_in(DAYS))
        outside = days.group_by("code").agg(pl.col("is_in_universe").any()).filter(~pl.col("is_in_universe"))
        return str(outside["code"].min())


Law = Callable[[Subject, Sequence[str]], list[Violation]]
Judged = Callable[[Subject], tuple[str, ...]]

FEATURE_LAWS: dict[str, tuple[Law, Judged]] = {
    "truncation": (lambda on, names: laws.truncation(house(), names, on.inputs, CUT), lambda on: on.names),
    "isolation": (lambda on, names: laws.isolation(house(), names, on.inputs, STOCK), lambda on: on.own),
    "late listing": (lambda on, names: laws.late_listing(house(), names, on.inputs, NEWCOMER), lambda on: on.names),
    "row order": (lambda on, names: laws.row_order(house(), names, on.inputs), lambda on: on.names),
    "names of stocks": (lambda on, names: laws.names_of_stocks(house(), names, on.inputs), lambda on: on.names),
    "chunks": (lambda on, names: laws.chunks(house(), names, on.inputs, START, ulps=0), lambda on: on.names),
    "re-basing": (lambda on, names: laws.rebasing(house(), names, on.inputs, 7.0), lambda on: on.public),
    "bounds": (lambda on, names: laws.bounds(house(), names, on.inputs), lambda on: on.names),
    "null budget": (lambda on, names: laws.budget_of_nulls(house(), names, on.inputs), lambda on: on.names),
}

GRAPH_LAWS: dict[str, Callable[[Subject], list[Violation]]] = {
    "truncation": lambda on: graph_laws.truncation(on.returns, DAYS[0], CONFIG),
    "isolation": lambda on: graph_laws.isolation(on.returns, DAYS, CONFIG, on.outsider),
    "row order": lambda on: graph_laws.row_order(on.returns, DAYS, CONFIG),
    "chunks": lambda on: graph_laws.chunks(on.returns, DAYS, CONFIG),
    "bounds": lambda on: graph_laws.values_of_nodes(*graph_laws.draw_graph(on.returns, DAYS, CONFIG)),
    "shape of edges": lambda on: graph_laws.shape_of_edges(graph_laws.draw_graph(on.returns, DAYS, CONFIG)[0], CONFIG),
}


@dataclass
class LawTable:
    """Violations by feature and law, and what each law cost.

    Attributes:
        counts: (feature, law) to number of violations; seconds: law to seconds; words: every violation.
    """

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def add(self, law: str, judged: Sequence[str], found: Sequence[Violation], seconds: float) -> None:
        """Note what one law said about the features it speaks of."""
        broken = [violation.feature for violation in found]
        self.counts.update({(name, law): broken.count(name) for name in judged})
        self.seconds[law] = self.seconds.get(law, 0.0) + seconds
        self.words += [f"{law}: {one.feature} {one.session} {one.code}: {one.words}" for one in found]

    @property
    def laws(self) -> list[str]:
        """Laws in the order they ran."""
        return list(self.seconds)

    def matrix(self) -> pl.DataFrame:
        """[group, feature, laws...]: number of violations, null where the law does not speak of the feature."""
        names = dict.fromkeys(name for name, _ in self.counts)
        rows = [
            {"group": _group(name), "feature": name} | {law: self.counts.get((name, law)) for law in self.laws}
            for name in names
        ]
        return pl.DataFrame(
            rows, schema={"group": pl.String, "feature": pl.String, **dict.fromkeys(self.laws, pl.Int64)}
        )

    def lines(self) -> list[str]:
        """The table by group: features that obey / features judged, then what each law cost, then every violation."""
        whole = self.matrix()
        width = max(len(law) for law in self.laws)
        head = f"{'group':14s}" + "".join(f"{law:>{width + 2}s}" for law in self.laws)
        out = [head]
        for (group,), rows in whole.group_by("group", maintain_order=True):
            cells = [_cell(rows[law]) for law in self.laws]
            out.append(f"{group!s:14s}" + "".join(f"{cell:>{width + 2}s}" for cell in cells))
        out.append(f"{'all':14s}" + "".join(f"{_cell(whole[law]):>{width + 2}s}" for law in self.laws))
        out.append(f"{'seconds':14s}" + "".join(f"{self.seconds[law]:>{width + 2}.1f}" for law in self.laws))
        broken = sum(self.counts.values())
        out.append(f"{len(self.laws)} laws, {whole.height} features, {len(self.counts)} verdicts, {broken} violations")
        return out + self.words


def _cell(counts: pl.Series) -> str:
    known = counts.drop_nulls()
    return f"{(known == 0).sum()}/{known.len()}" if known.len() else "-"


def _group(name: str) -> str:
    return house().feature(name).group if name in house() else catalogue().feature(name).group


def small_subject(folder: Path) -> Subject:
    """Every registered feature on the small market; what the simulator lends it is kept in a folder."""
    bars = market_bars()
    return Subject(inputs_of(bars, small_tables(bars, folder)), house().names)


def law_table(on: Subject, told: Callable[[str], object] = str) -> LawTable:
    """Run every law; `told` hears of each one when it is done."""
    table = LawTable()
    for law, (holds, judged) in FEATURE_LAWS.items():
        began = time.monotonic()
        names = judged(on)
        found = holds(on, names)
        table.add(law, names, found, time.monotonic() - began)
        told(f"{law}: {len(names)} features, {len(found)} violations, {table.seconds[law]:.1f} s")
    for law, graph_law in GRAPH_LAWS.items():
        began = time.monotonic()
        found = graph_law(on)
        # An edge or a node that breaks a law falsifies every measure taken from it.
        judged_here = tuple(MEASURES)
        spread = [Violation(law, name, one.session, one.code, one.words) for one in found for name in judged_here]
        table.add(law, judged_here, spread, time.monotonic() - began)
        told(f"{law} of the graph: {len(judged_here)} features, {len(found)} violations")
    return table


def main(words: list[str]) -> int:
    """Print the table, and write its cells to a file when one is named; 1 when a law is broken."""
    KEPT.mkdir(parents=True, exist_ok=True)
    table = law_table(small_subject(KEPT), told=lambda text: print(text, file=sys.stderr, flush=True))
    print("\n".join(table.lines()))
    if words:
        table.matrix().write_csv(words[0])
    return int(bool(table.words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
