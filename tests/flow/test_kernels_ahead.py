"""What is compiled ahead is what the stages need: on the demo's own tables nothing is left to compile for them."""

from datetime import date

from assets.features import returns_read
from assets.inputs import feature_inputs
from gogoku.demo.kernels import compile_kernels
from gogoku.sizes import demo_sizes
from gogoku_pipeline.core.compilation import KERNELS
from gogoku_pipeline.features.family_frames import carried_family_frame, names_of
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.laws import draw_graph
from gogoku_pipeline.schema.daily_bars import TABLE as BARS


def forms():
    """Every kernel with the types of arguments it is compiled for."""
    return {(kernel.__module__, kernel.__name__, str(form)) for kernel in KERNELS for form in kernel.signatures}


def test_features_and_graph_of_the_demo_find_every_kernel_compiled(tiny):
    compile_kernels(tiny.note.plan)
    ahead = forms()
    assert {module.split(".")[1] for module, *_ in ahead} >= {"features", "graph"}
    compute, registry = demo_sizes(tiny.note), house(tiny.note.plan.capitalize())
    days = [day for day in tiny.store.tables.sessions(BARS) if day <= date.fromisoformat(tiny.note.end)]
    for family in families(registry):
        names = names_of(family_table(family, registry))
        inputs = feature_inputs(tiny.store, days, names, compute.cutoff)
        carried_family_frame(family, inputs, days, None, registry)
    draw_graph(returns_read(tiny.store, days[-3:], compute), days[-3:], compute.graph)
    assert forms() - ahead == set()
