"""What only the graph knows is found where it is planted and not where it is not: the study on one market of each.

`planted_graph` tells the road and prints the table of five; the lab log holds it. Seeds are fixed.
"""

import pytest

from tests.flow.planted_graph import BAR, HORIZON_D, TIED, Size, study
from tests.flow.planted_graph_table import ORACLE, found, share

SEED = 13
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return study((SEED,), ("on", "off"), Size(), tmp_path_factory.mktemp("planted_graph") / "study.jsonl")


def edge(rows, arm):
    tied, bar = (found(rows, arm, model, HORIZON_D) for model in (TIED, BAR))
    return tied.less(bar).pooled


@pytest.mark.parametrize("arm", ["on", "off"])
def test_four_fifths_of_the_oracle_are_recovered(rows, arm):
    tied, oracle = (found(rows, arm, model, HORIZON_D) for model in (TIED, ORACLE))
    assert 0.8 <= share(tied, oracle) < 1.0


def test_the_graph_is_worth_something_where_its_effect_is_planted(rows):
    assert edge(rows, "on").low > 0, edge(rows, "on")


def test_the_graph_is_worth_nothing_where_it_is_not(rows):
    assert edge(rows, "off").low <= 0, edge(rows, "off")


@pytest.mark.parametrize("model", [BAR, TIED])
def test_shuffled_labels_teach_nothing(rows, model):
    days = found(rows, "on", f"shuffled_{model}", HORIZON_D).pooled
    assert days.low <= 0 <= days.high, days


def test_no_column_says_what_the_graph_says(rows):
    (oracle,) = [row for row in rows if (row["arm"], row["model"]) == ("on", ORACLE)]
    assert abs(oracle["likeness"]) < 0.2, f"{oracle['closest']}: {oracle['likeness']:.3f}"
