"""On a market of companions the ablation says that the graph helps; that noise does not is `test_ablation`'s to say."""

from dataclasses import replace

import pytest

from tests.flow.block_signals import LOOP, SIGNALS, data_of, judged, told


@pytest.mark.slow
def test_the_block_made_for_a_signal_helps(tmp_path):
    signal = replace(SIGNALS["companions"], blocks=("graph",))
    answer = judged(signal, data_of(signal, tmp_path, 7), 3, replace(LOOP, patience=20), None)
    reference, graph = answer.found
    assert reference.rank_ic.mean > 0.8 * answer.oracle > 0.3
    assert graph.variant.name == "without graph" and graph.verdict == "helps" and graph.both[1] < -0.2
    assert "without graph" in told("companions", answer)
