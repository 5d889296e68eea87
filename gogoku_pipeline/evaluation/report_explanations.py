"""Explanations as lines for people: what spoke for a stock and what against it, and what models live on.

The lines of a stock add up: features shown, all others together, companions, baseline, and the rest of a quadrature
make its place, which is its score's distance from the day's mean in standard deviations of the day's scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.evaluation.frames import require_columns
from gogoku_pipeline.evaluation.plots_explanations import feature_importance, group_importance, server_first
from gogoku_pipeline.evaluation.report_inputs import Explained, ReportInputs
from gogoku_pipeline.evaluation.report_pictures import Picture, picture_of
from gogoku_pipeline.evaluation.report_rows import DASH, number
from gogoku_pipeline.evaluation.report_tables import TextTable

SHOWN, SIDES = 10, 3
"""Features shown of a stock, the largest contributions; at least so many for it and against it, where there are."""
FEATURES = 12
"""Single features in the table of importance."""
ATTENDED = 3
"""Sessions and companions that are named."""
LEAST = 0.005
"""Contributions below are 0.00 on the page; a line of its own needs more."""
COLUMNS = ("code", "rank", "listed", "model", "part", "name", "contribution", "attention", "value", "percentile")


@dataclass(frozen=True)
class Line:
    """One contribution.

    Attributes:
        name: feature, or what stands for several.
        words: what the feature is; empty for none.
        value: the feature's value; percentile: its place in the universe; both text.
        contribution: in standard deviations of the day's scores.
        width: its size beside the largest of the stock, in percent.
    """

    name: str
    words: str
    value: str
    percentile: str
    contribution: float
    width: int


@dataclass(frozen=True)
class Story:
    """Why one stock stands where it stands.

    Attributes:
        code, rank, listed: the stock, its place, how many were ranked; rank 0 where the list does not hold it.
        model: whose opinion is explained.
        place: distance of its score from the day's mean, in standard deviations of the day's scores.
        speak_for, against: the features that raised and lowered it most, the largest first.
        rest: everything else, so that all lines add up to `place`.
        attended: sentences about where the model looked; empty for a model that does not attend.
    """

    code: str
    rank: int
    listed: int
    model: str
    place: float
    speak_for: tuple[Line, ...]
    against: tuple[Line, ...]
    rest: tuple[Line, ...]
    attended: tuple[str, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of them in reading order."""
        return (*self.speak_for, *self.against, *self.rest)


@dataclass(frozen=True)
class ExplanationSections:
    """What the page shows of explanations.

    Attributes:
        stories: of the explained stocks.
        names: of companies, by code.
        pictures: of importance.
        groups: RankIC lost without each group; None where nothing was measured.
        features: the same of single features of the model that serves.
        words: how importance was measured.
        decisions: why each run of a network ended; None where none was trained.
    """

    stories: tuple[Story, ...]
    names: Mapping[str, str]
    pictures: tuple[Picture, ...]
    groups: TextTable | None
    features: TextTable | None
    words: str
    decisions: TextTable | None


def explanation_sections(inputs: ReportInputs) -> ExplanationSections:
    """Explained stocks and importance of a page; empty parts where nothing was made."""
    told, names, ended = inputs.explained, _company_names(inputs.names), decisions_table(inputs.explained)
    found = () if told.rows is None else tuple(stories(told.rows, told.words, names))
    if told.importance is None:
        return ExplanationSections(found, names, (), None, None, "", ended)
    single = told.importance.filter(pl.col("kind") == "feature")
    pictures = [picture_of(group_importance(told.importance), "Whiskers are two standard errors over days.")]
    if single.height:
        words = f"Single features of {single['model'][0]}, which serves, out of the groups it loses most without."
        pictures.append(picture_of(feature_importance(single), words))
    return ExplanationSections(
        found,
        names,
        tuple(pictures),
        importance_table(told.importance),
        importance_table(single, "feature", FEATURES) if single.height else None,
        importance_words(told.importance),
        ended,
    )


def decisions_table(told: Explained) -> TextTable | None:
    """The last decision about each seed's training; None where no network was trained."""
    rows = [
        (model, str(row["seed"]), str(row["epochs"]), str(row["best_epoch"]), str(row["figure"]),
         number(row["value"], "+.4f"), str(row["reason"]))
        for model, decisions in told.decisions.items()
        for row in decisions
    ]  # fmt: skip
    heads = ("model", "seed", "epochs", "kept", "figure", "value", "why it ended")
    return TextTable("", heads, tuple(rows)) if rows else None


def stories(
    rows: pl.DataFrame,
    words: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    *,
    shown: int = SHOWN,
) -> list[Story]:
    """The stories of some explained stocks, best rank first.

    Args:
        rows: `registry.explanation_tables.EXPLAINED` rows of one session and model.
        words: what each feature is.
        names: of companies, by code.
        shown: features of a stock.
    """
    require_columns(rows, COLUMNS, "explained stocks")
    parts = rows.sort(pl.col("rank").fill_null(0), "code").partition_by("code", maintain_order=True)
    return [_story(part, words or {}, names or {}, shown) for part in parts]


def explained_table(story: Story) -> TextTable:
    """One stock as a table of text."""
    rows = [(line.name, line.value, line.percentile, f"{line.contribution:+.2f}") for line in story.lines]
    rows.append(("place", "", "", f"{story.place:+.2f}"))
    return TextTable("", ("feature", "value", "percentile", "contribution"), tuple(rows))


def importance_table(importance: pl.DataFrame, kind: str = "group", most: int = 24) -> TextTable:
    """RankIC lost without each group (or feature), a column per model, the largest loss first.

    Args:
        importance: `registry.explanation_tables.IMPORTANCE` rows of one session.
        kind: group or feature.
        most: rows.
    """
    require_columns(importance, ("model", "kind", "name", "features", "drop", "standard_error"), "importance")
    chosen = server_first(importance).filter(pl.col("kind") == kind)
    models = chosen["model"].unique(maintain_order=True).to_list()
    order = chosen.group_by("name").agg(pl.col("drop").max()).sort("drop", "name", descending=[True, False])
    held = {(row["model"], row["name"]): row for row in chosen.iter_rows(named=True)}
    rows = [
        (name, *((str(_features(held, models, name)),) if kind == "group" else ()),
         *(_loss(held.get((model, name))) for model in models))
        for name in order["name"].head(most)
    ]  # fmt: skip
    heads = (kind, *(("features",) if kind == "group" else ()), *models)
    return TextTable("", heads, tuple(rows))


def importance_words(importance: pl.DataFrame) -> str:
    """How importance was measured, in sentences."""
    told = []
    for row in server_first(importance).unique("model", maintain_order=True).iter_rows(named=True):
        model, sample, days, rank_ic = (row[name] for name in ("model", "sample", "days", "rank_ic"))
        whose = "validation days, which stopped its training" if sample == "validation" else str(sample)
        told.append(f"{model}: RankIC {rank_ic:+.4f} on {days} sessions ({whose}).")
    left = max(importance["left_out"].to_list(), default=0)
    alike = f" {left} features are the same for every stock of a session and cannot be dealt." if left else ""
    how = "Mean daily RankIC lost when the values are dealt anew among the stocks of a session, ± one standard error."
    shared = " Features that say the same share their importance."
    return " ".join([how + shared + alike, *told])


def _story(part: pl.DataFrame, words: Mapping[str, str], names: Mapping[str, str], shown: int) -> Story:
    head = part.row(0, named=True)
    features = part.filter(pl.col("part") == "feature").drop_nulls("contribution").sort("contribution", "name")
    largest_first = pl.col("contribution").abs().rank("ordinal", descending=True)
    told = features.with_columns(largest_first.alias("_place")).filter(pl.col("contribution").abs() >= LEAST)
    rising, falling = (
        side.filter((pl.col("_place") <= shown) | (pl.int_range(pl.len()) < SIDES))
        for side in (told.filter(pl.col("contribution") > 0).reverse(), told.filter(pl.col("contribution") < 0))
    )
    others = features.filter(~pl.col("name").is_in([*rising["name"], *falling["name"]]))
    sums = dict(part.group_by("part").agg(pl.col("contribution").sum()).iter_rows())
    rest = [
        (f"{others.height} other features", others["contribution"].sum() if others.height else 0.0),
        ("companions of the day", sums.get("companion", 0.0)),
        ("baseline", sums.get("baseline", 0.0)),
        ("not attributed", sums.get("missed", 0.0)),
    ]
    kept = [(name, value) for name, value in rest if abs(value) >= LEAST]
    largest = max([abs(value) for value in (*rising["contribution"], *falling["contribution"])], default=1.0)
    lines = [[_line(row, words, largest) for row in side.iter_rows(named=True)] for side in (rising, falling)]
    return Story(
        code=head["code"],
        rank=head["rank"] or 0,
        listed=head["listed"],
        model=head["model"],
        place=sum(sums.get(name, 0.0) for name in ("feature", "companion", "baseline", "missed")),
        speak_for=tuple(lines[0]),
        against=tuple(lines[1]),
        rest=tuple(Line(name, "", "", "", value, _width(value, largest)) for name, value in kept),
        attended=tuple(_attended(part, names)),
    )


def _line(row: Mapping[str, object], words: Mapping[str, str], largest: float) -> Line:
    name, value = str(row["name"]), row["contribution"]
    assert isinstance(value, float)
    place = row["percentile"]
    share = f"{100 * place:.0f}" if isinstance(place, float) else DASH
    return Line(name, words.get(name, ""), number(row["value"], ".4g"), share, value, _width(value, largest))


def _width(value: float, largest: float) -> int:
    return min(100, round(100 * abs(value) / largest))


def _attended(part: pl.DataFrame, names: Mapping[str, str]) -> Sequence[str]:
    """Where a network looked, in sentences."""
    told = []
    for kind, say in (("selection", "Selected most"), ("session", "Looked back at"), ("companion", "Listened to")):
        rows = part.filter((pl.col("part") == kind) & (pl.col("attention") > 0)).sort("attention", descending=True)
        if rows.height:
            first = rows.head(ATTENDED).select("name", "attention").iter_rows()
            told.append(f"{say}: " + ", ".join(f"{names.get(name, name)} {share:.0%}" for name, share in first) + ".")
    return told


def _company_names(names: pl.DataFrame | None) -> dict[str, str]:
    if names is None:
        return {}
    column = "name_english" if "name_english" in names.columns else "name"
    return dict(names.select("code", pl.col(column).fill_null(pl.col("name"))).iter_rows())


def _features(held: Mapping[tuple[str, str], Mapping[str, object]], models: Sequence[str], name: str) -> object:
    return next(row["features"] for model in models if (row := held.get((model, name))) is not None)


def _loss(row: Mapping[str, object] | None) -> str:
    if row is None:
        return DASH
    return f"{number(row['drop'], '+.4f')} ± {number(row['standard_error'], '.4f')}"
