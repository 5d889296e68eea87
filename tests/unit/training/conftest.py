"""A planted market small enough to train on in a second, and loops to match."""

import pytest

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.dataset.splits import walk_forward
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.store import open_store
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from tests.unit.dataset.planted import planted_market


@pytest.fixture(scope="session")
def market():
    return planted_market(n_stocks=40, n_sessions=170, n_features=8, strength=3.0)


@pytest.fixture(scope="session")
def panel_of(tmp_path_factory):
    def build(market, **changes):
        arguments = {"features": market.features, "universe": market.universe, **changes}
        folder = tmp_path_factory.mktemp("panel")
        catalogue = market.catalogue
        return build_panel(
            arguments["features"], arguments["universe"], catalogue, Normaliser(catalogue), folder, {"feat__prices": 1}
        )

    return build


@pytest.fixture(scope="session")
def panel(market, panel_of):
    return panel_of(market)


@pytest.fixture(scope="session")
def data(market, panel):
    return TrainingData(panel, market.labels)


@pytest.fixture(scope="session")
def folds(market):
    return walk_forward(market.sessions, 2, 5, embargo=5, min_train=60, validation=15)


@pytest.fixture(scope="session")
def boosted():
    return BoostedRecipe(BoostedConfig(rounds=40, patience=10, leaves=15, lambda_l2=5.0))


@pytest.fixture(scope="session")
def ranker():
    loop = TrainConfig(epochs=6, days_per_step=4, learning_rate=5e-3, min_names=10, smoothing=1, device="cpu")
    return NetworkRecipe(RankerConfig.of("tiny", look_back=5, patch=5, stride=5, d_model=24), loop)


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/store")
