"""The frozen hold-out on the terminal: `gogoku evaluate --open-holdout MODEL VERSION`.

Belongs here: bringing a promoted version's design, the data and the terms together, and showing the one answer.
"""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    from gogoku.deployment import Deployment
    from gogoku_pipeline.registry.holdout_judgement import Candidate
    from gogoku_pipeline.store import Store
    from resources.compute import Compute

console = Console(soft_wrap=True)
WHO = "gogoku evaluate --open-holdout"


def opened(place: "Deployment", model: str, version: str) -> None:
    """Judge a promoted version's design on the hold-out, once, and show what it said."""
    from assets.models import training_data
    from gogoku.commands.compare import table_of
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.registry.holdout_judgement import Witness, findings, judge_on_holdout
    from gogoku_pipeline.store import CommitInfo
    from gogoku_pipeline.tables.universe import UNIVERSE

    store, compute = place.open_store(), sizes_of(place)
    who = candidate(store, compute, model, version)
    for row in findings(store).filter(design=who.design).iter_rows(named=True):
        console.print(said(row))
    found, rows = judge_on_holdout(
        store,
        who,
        training_data(store, compute),
        compute.terms,
        store.tables.scan(UNIVERSE).select("session", "code", "is_tradable").collect(),
        Witness(place.clock.now(), CommitInfo(run_id=WHO, code_version="1"), compute.cache_dir / "walks"),
    )
    console.print(table_of(found, replace(compute.terms.gate, horizon_d=found.horizon_d)))
    console.print(said(rows.row(0, named=True)))


def candidate(store: "Store", compute: "Compute", model: str, version: str) -> "Candidate":
    """The design of a version as the code would fit it today; refused when that is another one."""
    from gogoku_pipeline.core.fingerprints import sha256_json
    from gogoku_pipeline.registry.holdout_judgement import Candidate
    from gogoku_pipeline.registry.ledgers import design_hash
    from resources.recipes import BASELINE, recipe

    made, baseline = recipe(model, compute), recipe(BASELINE, compute)
    manifest = store.artefacts.load(model, version).manifest
    if manifest.get("config_hash") != made.config_hash:
        raise ConfigError(
            f"{model} {version}",
            got=f"a version of configuration {str(manifest.get('config_hash'))[:12]}",
            want=f"one of today's {made.config_hash[:12]}",
            remedy="Judge today's configuration by the gate first, or check out the one that was promoted.",
        )
    design = design_hash(
        config_hash=made.config_hash,
        feature_hash=str(manifest.get("feature_hash")),
        universe_hash=sha256_json(asdict(compute.universe)),
    )
    return Candidate(made, version, design, baseline)


def said(row: dict[str, object]) -> str:
    """A finding in one line."""
    reach = f"hold-out {row['holdout_start']} .. {row['read_through']}, {row['paired_days']} days"
    own = f"RankIC {row['rank_ic']:+.4f} [{row['rank_ic_low']:+.4f}, {row['rank_ic_high']:+.4f}]"
    edge = f"to {row['baseline']} {row['edge']:+.4f} [{row['edge_low']:+.4f}, {row['edge_high']:+.4f}]"
    words = escape(f"{row['model']} {row['version']}: {own}, {edge}")
    return f"{reach}: [bold]{row['finding']}[/]  {words}; written down, never repeated"
