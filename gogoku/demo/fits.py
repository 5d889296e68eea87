"""The gate's walks fitted ahead: while versions are trained and the inputs are audited, another core walks forward.

Belongs here: the process that does so, and the same work taken up from its other end by the one that would wait.
Does not belong here: what is fitted and how fits are kept and found again (`gogoku_pipeline.training.walk_forward`).
"""

from datetime import date

from assets.evaluation import contest, walks_of
from assets.models import training_data
from gogoku.demo.ahead import end_with_parent
from gogoku.deployment import DemoNote, demo_deployment
from gogoku.sizes import demo_sizes


def fit_walks(note: DemoNote, *, backwards: bool = False) -> None:
    """Walk everybody forward whom the gate will judge, and keep the fits: the verdicts are the gate's own.

    Of two processes at it, one from each end, neither makes a fit that the other has made; where they meet, one waits.

    Args:
        note: the demo.
        backwards: begin with those the gate walks last.
    """
    from gogoku_pipeline.training.walk_forward import run_walk_forward

    store, compute, cutoff = demo_deployment(note).open_store(), demo_sizes(note), date.fromisoformat(note.end)
    data, terms = training_data(store, compute), compute.terms
    folds, everybody = terms.folds(data.sessions, cutoff), contest(store, compute, cutoff, data).everybody
    for recipe in reversed(everybody) if backwards else everybody:
        seeds = terms.seeds[::-1] if backwards and recipe.is_seeded else terms.seeds
        run_walk_forward(recipe, data, folds, seeds, terms.gate.horizon_d, cache_dir=walks_of(compute))


if __name__ == "__main__":
    end_with_parent()
    fit_walks(DemoNote.load())
