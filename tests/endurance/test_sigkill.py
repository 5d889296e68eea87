"""Three kills of a backfill; a hundred and more are in `python -m tests.endurance.sigkill`."""

import pytest

from tests.endurance.sigkill import endure


@pytest.mark.slow
def test_a_backfill_killed_three_times_ends_like_one_left_alone(tmp_path):
    told = []
    tally = endure(3, 7, tmp_path, told.append)
    assert tally.differences == []
    assert (tally.kills, tally.rounds) == (3, 1)
    assert len(told) == 5
