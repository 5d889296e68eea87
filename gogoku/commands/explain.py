"""`gogoku explain`: why a stock stands where it stands, and which features a model lives on."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gogoku.commands.predictions import newest
from gogoku_pipeline.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.evaluation.report_explanations import Story
    from gogoku_pipeline.store import Store
    from gogoku_pipeline.store.artefacts import Artefact
    from resources.compute import Compute

console = Console(soft_wrap=True)


class Place(NamedTuple):
    """Where the question is asked."""

    store: "Store"
    compute: "Compute"


def explain(
    session: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="session of a list; empty: the newest one")
    ] = None,
    code: Annotated[str, typer.Argument(help="issue, e.g. 7203; empty: what the model lives on")] = "",
    model: Annotated[str, typer.Option(help="whose opinion, e.g. apex_ranker; empty: who served on the session")] = "",
    days: Annotated[int, typer.Option(help="measure importance anew, on so many sessions", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Tell what spoke for a stock and what against it; without a code, what a model loses without each feature."""
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.registry.explanations import ranked_list
    from gogoku_pipeline.registry.tables import PREDICTIONS

    folder = deployment()
    place = Place(folder.open_store(), sizes_of(folder))
    day = newest(place.store.tables.sessions(PREDICTIONS), session.date() if session else None)
    listed = ranked_list(place.store, day, place.compute.terms.gate.horizon_d)
    kept = version_of(place.store, listed, model)
    if not code:
        _tell_importance(importance_of(place, kept, day, days), as_json=as_json)
        return
    story, score, name = why(place, kept, listed, code)
    if as_json:
        told = {"session": day, "version": kept.version, "name": name, "score": score, **asdict(story)}
        print(json.dumps(told, default=str, ensure_ascii=False))
        return
    _tell(story, kept.version, day, score, name)


def version_of(store: "Store", listed: "pl.DataFrame", model: str) -> "Artefact":
    """The version that made a list, or the newest one of a model trained up to its session.

    Raises:
        ConfigError: a model without a version by then; the models that have one are named.
    """
    from gogoku_pipeline.registry.explanations import contestants
    from gogoku_pipeline.registry.versions import newest_version

    day, head = listed["session"][0], listed.row(0, named=True)
    if not model or model == head["model"]:
        return store.artefacts.load(head["model"], head["model_version"])
    version = newest_version(store, model, day)
    if version is None:
        known = sorted({head["model"], *(name for name, _ in contestants(store, day))})
        raise ConfigError(
            f"--model {model}",
            got=f"no version trained up to {day}",
            want=f"one of {', '.join(known)}",
            remedy="Correct the name, or train it: gogoku train.",
        )
    return store.artefacts.load(model, version)


def why(place: Place, kept: "Artefact", listed: "pl.DataFrame", code: str) -> "tuple[Story, float, str]":
    """The story of one stock, its score and the company's name.

    Raises:
        DataError: an issue nobody knows, or one that was not scored on the session; the words say which.
        DatasetError: a version that cannot be explained, or a panel of other features.
    """
    import polars as pl

    from assets.dataset import house_panel
    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.dataset.labels import LABELS
    from gogoku_pipeline.evaluation.report_explanations import stories
    from gogoku_pipeline.graph.catalogue import registry
    from gogoku_pipeline.registry.explanations import explained_rows
    from gogoku_pipeline.schema.listed_issues import SNAPSHOT

    store, day = place.store, listed["session"][0]
    asked = scored_code(store, listed, code)
    versions, book = json.loads(listed["table_versions"][0]), registry(place.compute.plan)
    panel = house_panel(store, place.compute, versions)
    data = TrainingData(panel, LABELS.empty(), cross_section=kept.manifest["cross_section"])
    if kept.version != listed["model_version"][0]:
        listed = own_list(store, kept, data, listed)
    rows = explained_rows(store, kept, data, listed, [asked], book, versions)
    names = dict(store.tables.scan(SNAPSHOT, start=day, end=day).select("code", "name_english").collect().iter_rows())
    (story,) = stories(rows, {feature.name: feature.summary for feature in book.features}, names)
    return story, listed.filter(pl.col("code") == asked)["score"][0], names.get(asked) or ""


def scored_code(store: "Store", listed: "pl.DataFrame", code: str) -> str:
    """A code in full; raises DataError for one nobody knows or that was not scored, and says which."""
    import polars as pl

    from gogoku_pipeline.core.codes import full_code
    from gogoku_pipeline.schema.listed_issues import MASTER
    from gogoku_pipeline.tables.universe import UNIVERSE

    asked, day = full_code(code), listed["session"][0]
    if asked in listed["code"]:
        return asked
    is_it = pl.col("code") == asked
    if store.tables.scan(MASTER).filter(is_it).collect().is_empty():
        raise DataError(
            f"issue {asked}", got="no listing", want="an issue of the security master", remedy="Check the code."
        )
    found = store.tables.scan(UNIVERSE, start=day, end=day).filter(is_it).collect()
    if found.is_empty():
        got = "not listed on that session"
    elif not found["is_in_universe"][0]:
        got = "listed, but outside the universe that is compared"
    else:
        got = "in the universe, but not tradable" if not found["is_tradable"][0] else "tradable, but without a score"
    raise DataError(
        f"issue {asked} on {day}",
        got=f"{got}: not among the {listed.height} scored stocks",
        want="a stock of the session's list",
        remedy=f"See the list: gogoku predictions {day}; what is known of it: gogoku describe {asked}",
    )


def own_list(store: "Store", kept: "Artefact", data: "TrainingData", listed: "pl.DataFrame") -> "pl.DataFrame":
    """The list as another version would have ranked it, with the columns a story needs."""
    import polars as pl

    from gogoku_pipeline.training.predict import predict_session

    scores = predict_session(store, kept.name, kept.version, data, listed["session"][0]).drop_nulls("score")
    return scores.sort("score", "code", descending=[True, False]).with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("rank"), pl.col("horizon_d").cast(pl.Int16)
    )


def importance_of(place: Place, kept: "Artefact", day: date, days: int) -> "pl.DataFrame":
    """Importance of a version: as an evening stored it, feature by feature, else measured now.

    Raises:
        DatasetError: too few known outcomes to measure it.
    """
    import polars as pl

    from assets.models import training_data
    from gogoku_pipeline.graph.catalogue import registry
    from gogoku_pipeline.registry.explanation_tables import IMPORTANCE
    from gogoku_pipeline.registry.explanations import importance_rows
    from gogoku_pipeline.training.importance import ImportanceConfig, measured_importance

    whose = pl.col("model_version") == kept.version
    stored = place.store.tables.scan(IMPORTANCE, end=day).filter(whose).collect()
    stored = stored.filter(pl.col("session") == stored["session"].max())
    if stored.filter(kind="feature").height and not days:
        return stored
    groups = {feature.name: feature.group for feature in registry(place.compute.plan).features}
    config = ImportanceConfig(days=days) if days else ImportanceConfig()
    with console.status(f"dealing the features of {kept.name} {kept.version} anew, one by one"):
        data = training_data(place.store, place.compute)
        found = measured_importance(kept, data, groups, config, known_by=day)
    return importance_rows(found, (kept.name, kept.version), day, kept.manifest["horizon_d"])


def _tell_importance(rows: "pl.DataFrame", *, as_json: bool) -> None:
    from gogoku_pipeline.evaluation.report_explanations import importance_table, importance_words

    if as_json:
        print(json.dumps(rows.to_dicts(), default=str))
        return
    for kind in ("group", "feature"):
        told = importance_table(rows, kind)
        table = Table(title=f"{rows['model_version'][0]}: RankIC lost without a {kind}")
        for place, heading in enumerate(told.heads):
            table.add_column(heading, justify="right" if place else "left")
        for row in told.rows:
            table.add_row(*row)
        console.print(table)
    console.print(f"[dim]{escape(importance_words(rows))}[/]")


def _tell(story: "Story", version: str, day: date, score: float, name: str) -> None:
    where = f"{abs(story.place):.2f} standard deviations {'above' if story.place > 0 else 'below'} the day's mean"
    head = f"rank {story.rank} of {story.listed} by {story.model} {version}, score {score:+.4f}, {where}"
    console.print(f"[bold]{story.code}[/]  {escape(name)}  {day}: {head}", highlight=False)
    table = Table()
    for heading in ("", "feature", "value", "percentile", "adds", "what it is"):
        table.add_column(heading, justify="right" if heading in ("value", "percentile", "adds") else "left")
    for side, lines in (("for", story.speak_for), ("against", story.against), ("rest", story.rest)):
        for place, line in enumerate(lines):
            adds = f"[{'green' if line.contribution > 0 else 'red'}]{line.contribution:+.2f}[/]"
            table.add_row("" if place else side, line.name, line.value, line.percentile, adds, escape(line.words))
    table.add_row("", "[bold]distance from the mean[/]", "", "", f"[bold]{story.place:+.2f}[/]", "")
    console.print(table)
    for words in story.attended:
        console.print(f"[dim]{escape(words)}[/]", highlight=False)
    console.print("[dim]in standard deviations of the day's scores: what the model did, not what moves the price[/]")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)
