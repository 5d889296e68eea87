"""Mistakes in the graph: who is a node, what an edge weighs, what neighbours tell."""

from __future__ import annotations

from tests.laws.mutants.mutant import Mutant

GOLDEN, UNIT, LAWS = "tests/spec/graph", "tests/unit/graph", "tests/laws/graph"
EDGES, NODES = f"{GOLDEN}/test_edges_by_hand.py", f"{GOLDEN}/test_node_features_by_hand.py"

MUTANTS = (
    Mutant(
        "graph",
        "everybody listed is a node",
        "graph/windows.py",
        "nodes = np.flatnonzero(matrix.is_in_universe[place] & ",
        "nodes = np.flatnonzero(matrix.is_listed[place] & ",
        (f"{LAWS}/test_graph_laws.py",),
    ),
    Mutant(
        "graph",
        "the session before the window counts for a node",
        "graph/windows.py",
        "(seen[1:].sum(axis=0) >= config.min_sessions)",
        "(seen.sum(axis=0) >= config.min_sessions)",
        (f"{GOLDEN}/test_the_newest_session_counts_most.py",),
    ),
    Mutant(
        "graph",
        "the oldest session weighs most",
        "graph/windows.py",
        "age = np.arange(config.window - 1, -1, -1, dtype=np.float64)",
        "age = np.arange(0, config.window, 1, dtype=np.float64)",
        (f"{GOLDEN}/test_the_newest_session_counts_most.py",),
    ),
    Mutant(
        "graph",
        "a graph is drawn from yesterday's window",
        "graph/windows.py",
        "rows = slice(max(0, place + 1 - width), place + 1)",
        "rows = slice(max(0, place - width), max(place, 1))",
        (EDGES,),
    ),
    Mutant(
        "graph",
        "the sector a stock is freed from has the stock in it",
        "graph/windows.py",
        "total = sums[at] - np.where(itself, values, 0.0)",
        "total = sums[at]",
        (f"{LAWS}/test_options.py",),
    ),
    Mutant(
        "graph",
        "a correlation meets the threshold before it is shrunk",
        "graph/pairs.py",
        "floor = config.threshold / config.shrink",
        "floor = config.threshold",
        (EDGES,),
    ),
    Mutant(
        "graph",
        "an edge weighs the correlation as measured",
        "graph/pairs.py",
        "config.shrink * companions.values[kept][first]",
        "companions.values[kept][first]",
        (EDGES,),
    ),
    Mutant(
        "graph",
        "the change of an edge is taken against the correlation as measured",
        "graph/attributes.py",
        "weights - config.shrink * then",
        "weights - then",
        (f"{LAWS}/test_attributes.py",),
    ),
    Mutant(
        "graph",
        "half of the triangles",
        "graph/structure.py",
        "np.divide(2.0 * closed,",
        "np.divide(1.0 * closed,",
        (NODES, f"{UNIT}/test_structure.py"),
    ),
    Mutant(
        "graph",
        "a walk that ends in an isolated node is lost",
        "graph/structure.py",
        "jumps += (1.0 - DAMPING) * rank[i] if strength[i] > 0.0 else rank[i]",
        "jumps += (1.0 - DAMPING) * rank[i] if strength[i] > 0.0 else 0.0",
        (NODES, f"{UNIT}/test_structure.py"),
    ),
    Mutant(
        "graph",
        "who ran away from its peers runs on",
        "graph/formulas.py",
        "return lambda day: day.edges.mean(day.residuals_5d) - day.residuals_5d",
        "return lambda day: day.residuals_5d - day.edges.mean(day.residuals_5d)",
        (NODES,),
    ),
    Mutant(
        "graph",
        "a week's return of the peers is today's",
        "graph/formulas.py",
        "return lambda day: day.edges.mean(day.returns_5d)",
        "return lambda day: day.edges.mean(day.returns)",
        (NODES, f"{LAWS}/test_graph_oracle.py"),
    ),
    Mutant(
        "graph",
        "company gained is company lost",
        "graph/formulas.py",
        "return lambda day: day.edges.degree - day.degree_before",
        "return lambda day: day.degree_before - day.edges.degree",
        (f"{LAWS}/test_append.py",),
    ),
    Mutant(
        "graph",
        "leaders are those who move on the same day",
        "graph/neighbours.py",
        "np.ascontiguousarray(residuals[:, 1:]), np.ascontiguousarray(residuals[:, :-1])",
        "np.ascontiguousarray(residuals[:, 1:]), np.ascontiguousarray(residuals[:, 1:])",
        (NODES,),
    ),
    Mutant(
        "graph",
        "a lagged correlation is believed as measured",
        "graph/neighbours.py",
        "trust = max(0.0, 1.0 - noise / spread) if spread > 0.0 else 0.0",
        "trust = 1.0",
        (NODES,),
    ),
)
