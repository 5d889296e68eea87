"""How large everything is in a deployment: the registered sizes, and the demo's, small enough for two cores.

Belongs here: choosing `Compute`. Does not belong here: what the dials mean (the rooms that declare them).
"""

from datetime import date

from gogoku.deployment import DemoNote, Deployment, demo_deployment
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.registry.terms import Terms
from resources.compute import Compute

TINY = Terms(seeds=(1, 2, 3), n_folds=1, embargo=10, min_train=90, validation=15)
SMALL = Terms(seeds=(1, 2, 3), n_folds=2, embargo=20, min_train=220, validation=40)


def sizes_of(place: Deployment, first: date) -> Compute:
    """The sizes of a place, whose history begins with `first`: the demo's own, or the registered ones."""
    if place.demo is not None:
        return demo_sizes(place.demo)
    return Compute(
        cache_dir=place.settings.cache_dir,
        first_session=first,
        plan=(place.settings.plan or PLANS[-1]).capitalize(),
        cutoff=place.settings.cutoff,
        device=place.settings.device,
    )


def demo_sizes(note: DemoNote) -> Compute:
    """Sizes and dials of a demo.

    Args:
        note: the demo; a tiny market has too few stocks and sessions for the registered walk. Models read the
            set `core`, so that the whole road takes minutes; every feature of the plan is computed and checked.
    """
    place = demo_deployment(note)
    is_tiny = note.size == "tiny"
    return Compute(
        cache_dir=place.settings.cache_dir,
        first_session=date.fromisoformat(note.start),
        plan=note.plan.capitalize(),
        feature_set="core",
        last_day=place.end,
        cutoff=place.settings.cutoff,
        device="cpu",
        graph=GraphConfig(min_nodes=20 if is_tiny else 100),
        terms=TINY if is_tiny else SMALL,
        ranker="tiny" if is_tiny else "small",
        training={"threads": 1, "epochs": 3, "min_names": 20, "smoothing": 1} if is_tiny else {"threads": 1},
        boosted={"threads": 1},
        is_simulated=True,
    )
