"""How large everything is in a deployment: the registered sizes, and the demo's, small enough for two cores.

Belongs here: choosing `Compute`. Does not belong here: what the dials mean (the rooms that declare them).
"""

from datetime import date

from gogoku.deployment import DemoNote, Deployment, demo_deployment
from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.features.feature import PLANS as FEATURE_PLANS
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.jquants.plans import PLANS
from gogoku_pipeline.registry.terms import Terms
from resources.compute import Compute

YEARS_WITHOUT_PLAN = 10

HOLDOUT_START = date(2026, 1, 5)
"""First session of the frozen hold-out of a real market: fixed, never "the last months of today"; decision 0021."""

PLANS_WITHOUT_HOLDOUT = ("free",)
"""Two years of history hold one walk and nothing that could be set aside."""

TINY = Terms(seeds=(1, 2, 3), n_folds=1, embargo=10, min_train=90, validation=15)
SMALL = Terms(seeds=(1, 2, 3), n_folds=2, embargo=20, min_train=220, validation=40)


def sizes_of(place: Deployment) -> Compute:
    """The sizes of a place: the demo's own, or the registered ones."""
    if place.demo is not None:
        return demo_sizes(place.demo)
    return Compute(
        cache_dir=place.settings.cache_dir,
        first_session=first_session(place),
        plan=(place.settings.plan or FEATURE_PLANS[-1]).capitalize(),
        cutoff=place.settings.cutoff,
        device=place.settings.device,
        terms=Terms(gate=GateConfig(holdout_start=holdout_start(place.settings.plan))),
    )


def holdout_start(plan: str | None) -> date | None:
    """Where the frozen hold-out of a plan's history begins; None where the history is too short for one."""
    return None if plan in PLANS_WITHOUT_HOLDOUT else HOLDOUT_START


def first_session(place: Deployment) -> date:
    """Where a place's history begins: its own first day, else that of its plan, or the next session after it."""
    return tse_calendar().on_or_after(place.start or first_of_plan(place.settings, place.clock))


def first_of_plan(settings: Settings, clock: Clock) -> date:
    """The first day of the first whole year a plan covers; it moves once a year, not every day."""
    years = PLANS[settings.plan].history if settings.plan else YEARS_WITHOUT_PLAN
    return max(date(clock.now().year - years + 1, 1, 1), tse_calendar().first)


def demo_sizes(note: DemoNote) -> Compute:
    """Sizes and dials of a demo.

    Args:
        note: the demo; a tiny market has too few stocks and sessions for the registered walk. Models read the
            set `core`, so that the whole road takes minutes; every feature of the plan is computed and checked.
            Networks see their days three times instead of up to eight: on these markets the best epoch was one of the
            first ones, and as good where the rate falls to zero by the third.
            It sets no sessions aside: another seed is a market nobody has looked at.
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
        preset="tiny" if is_tiny else "small",
        training={"threads": 1, "epochs": 3} | ({"min_names": 20, "smoothing": 1} if is_tiny else {}),
        boosted={"threads": 1},
        is_simulated=True,
    )
