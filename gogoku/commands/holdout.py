"""The frozen hold-out on the terminal: `gogoku evaluate --open-holdout MODEL VERSION`.

Belongs here: bringing a promoted version's design, the data and the terms together, and showing the one answer.
"""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from gogoku.deployment import Deployment
    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.registry.holdout_judgement import Candidate
    from gogoku_pipeline.store import Store
    from resources.compute import Compute

console = Console(soft_wrap=True)
WHO = "gogoku evaluate --open-holdout"


def opened(place: "Deployment", model: str, version: str) -> None:
    """Judge a promoted version's design on the hold-out, once, and show what it said."""
    from assets.models import training_data
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.tables.universe import UNIVERSE

    store, compute = place.open_store(), sizes_of(place)
    who = candidate(store, compute, model, version)
    universe = store.tables.scan(UNIVERSE).select("session", "code", "is_tradable").collect()
    answer(store, compute, who, (training_data(store, compute), universe), place.clock.now())


def answer(
    store: "Store", compute: "Compute", who: "Candidate", evidence: "tuple[TrainingData, pl.DataFrame]", now: datetime
) -> None:
    """Show what the hold-out said to this design before, then ask it, which it answers once.

    Args:
        store: holds verdicts, log and findings.
        compute: registered terms, cache.
        who: the design that asks.
        evidence: panel with labels, and the universe.
        now: the clock's instant.
    """
    from gogoku.commands.compare import table_of
    from gogoku_pipeline.registry.holdout_judgement import Witness, findings, judge_on_holdout
    from gogoku_pipeline.store import CommitInfo

    for row in findings(store).filter(design=who.design).iter_rows(named=True):
        console.print(said(row))
    witness = Witness(now, CommitInfo(run_id=WHO, code_version="1"), compute.cache_dir / "walks")
    found, rows = judge_on_holdout(store, who, evidence[0], compute.terms, evidence[1], witness)
    console.print(table_of(found, compute.terms.gate))
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
