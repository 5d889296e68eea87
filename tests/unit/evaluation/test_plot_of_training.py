"""The picture of a training run shows what was watched, what was decided and what the loss terms moved."""

import io

import numpy as np
import pytest
from PIL import Image

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.plots_training import training_story


def curve(seed, epochs=8, **more):
    rng = np.random.default_rng(seed)
    values = 0.03 * (1 - np.exp(-np.arange(1, epochs + 1) / 2)) + 0.002 * rng.normal(size=epochs)
    return [
        {
            "epoch": float(epoch),
            "smoothed_rank_ic": float(value),
            "is_best": float(value == values[:epoch].max()),
            "gradient_share_ic": 0.7,
            "gradient_share_huber": 0.3,
            **more,
        }
        for epoch, value in enumerate(values, 1)
    ]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_a_run_is_a_small_readable_picture():
    png = training_story({1: curve(1, baseline=0.02), 2: curve(2, epochs=5, baseline=0.02)})
    assert png.startswith(b"\x89PNG") and len(png) < 60_000
    assert np.ptp(pixels(png)) > 200


def test_seeds_decisions_and_the_baseline_leave_their_marks():
    plain = pixels(training_story({1: curve(1)}))
    for changed in ({1: curve(1), 2: curve(2)}, {1: curve(1, is_best=0.0)}, {1: curve(1, baseline=0.02)}):
        other = pixels(training_story(changed))
        assert (other != plain).any()


@pytest.mark.parametrize("curves", [{}, {1: []}, {1: [{"epoch": 1.0, "validation_rank_ic": 0.1}]}])
def test_curves_of_other_models_are_refused(curves):
    with pytest.raises(EvaluationError, match="without a smoothed figure"):
        training_story(curves)
