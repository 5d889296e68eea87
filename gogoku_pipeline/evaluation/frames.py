"""What scores, labels and universes must look like before they are judged, and the one join that brings them together.

Days are judged one by one, so every helper here groups by `groups(scores)`: the columns `model` and `seed` where the
frame has them, then `session` and `horizon_d`.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.core.errors import EvaluationError

KEY = ("session", "code", "horizon_d")
"""What identifies a score of one model and one seed, and a label."""

LABELS = ("ret_open", "excess_open", "residual_open", "gauss_open", "ret_close")
"""Label columns that may be asked for, by exact name."""

_HORIZON = pl.col("horizon_d").cast(pl.Int16)


def groups(scores: pl.DataFrame) -> list[str]:
    """Columns that name one day's cross-section in this frame of scores."""
    return [name for name in ("model", "seed") if name in scores.columns] + ["session", "horizon_d"]


def checked_scores(scores: pl.DataFrame, *, what: str = "scores") -> pl.DataFrame:
    """The scores that count: typed, finite or missing, one per key, `is_counted` rows only.

    Args:
        scores: [session, code, horizon_d, score] and optionally model, seed, fold, is_counted.
        what: the word for them in an error.

    Returns:
        The same columns with Float64 scores; NaN became null; rows with `is_counted` false are gone.

    Raises:
        EvaluationError: columns missing, no rows, infinite scores, two scores for one key.
    """
    require_columns(scores, (*KEY, "score"), what)
    frame = scores.with_columns(pl.col("score").cast(pl.Float64).fill_nan(None), _HORIZON)
    if frame["score"].is_infinite().any():
        raise EvaluationError(
            what, got="infinite scores", want="finite numbers or null", remedy="Find where the model divides by zero."
        )
    key = [*groups(frame), "code"]
    if (twice := frame.height - frame.select(key).n_unique()) > 0:
        raise EvaluationError(
            what,
            got=f"{twice} scores for a {' x '.join(key)} that already has one",
            want="one score per key",
            remedy="Judge one fold per session; drop the overlap before judging.",
        )
    return counted(frame, what=what)


def counted(scores: pl.DataFrame, *, what: str = "scores") -> pl.DataFrame:
    """The rows whose `is_counted` is true, all of them where the frame has no such column.

    Raises:
        EvaluationError: no row is left.
    """
    frame = scores.filter("is_counted") if "is_counted" in scores.columns else scores
    if frame.is_empty():
        raise EvaluationError(
            what,
            got="no counted row",
            want="at least one",
            remedy="Check the folds: the embargo may eat the block.",
        )
    return frame


def align(
    scores: pl.DataFrame,
    labels: pl.DataFrame,
    label: str = "ret_open",
    universe: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Scores with what happened to each of them, over the tradable universe.

    A score for a code without a label row on that session (unlisted, or too young) is dropped; one whose label is
    null (no entry, not yet) stays as a row with a null label and no metric counts it.

    Args:
        scores: as `checked_scores` takes them.
        labels: [session, code, horizon_d, <label>], unique by key.
        label: exact name of the label column, one of `LABELS`.
        universe: [session, code, is_tradable]; None judges every scored row.

    Returns:
        [model?, seed?, session, horizon_d, code, score, label], Float64, sorted by that key.

    Raises:
        EvaluationError: frames of a wrong shape, or not one (session, horizon) in common.
    """
    frame = checked_scores(scores)
    outcome = _checked_labels(labels, label)
    if universe is not None:
        frame = frame.join(_tradable(universe), on=["session", "code"], how="semi")
    keys = groups(frame)
    joined = frame.select(*keys, "code", "score").join(outcome, on=list(KEY), how="inner", maintain_order="left")
    if joined.is_empty():
        raise nothing_in_common(scores, labels, label)
    return joined.sort(*keys, "code")


def nothing_in_common(scores: pl.DataFrame, labels: pl.DataFrame, label: str) -> EvaluationError:
    """The error for scores that meet no label: it names the horizons and sessions of both."""
    return EvaluationError(
        f"scores against {label}",
        got=f"nothing in common: scores for horizons {_horizons(scores)} on {_span(scores)}, "
        f"labels for {_horizons(labels)} on {_span(labels)}",
        want="the same sessions, codes and horizons",
        remedy="Build labels for these sessions and these horizons, and check the universe.",
    )


def checked_label_name(label: str) -> str:
    """The name itself; EvaluationError unless it is one of `LABELS`."""
    if label not in LABELS:
        raise EvaluationError(
            f"label {label!r}", got="an unknown name", want=f"one of {LABELS}", remedy="Use the label's exact name."
        )
    return label


def require_columns(frame: pl.DataFrame, wanted: tuple[str, ...], what: str) -> None:
    """Raise EvaluationError naming the columns that are not there."""
    if missing := [name for name in wanted if name not in frame.columns]:
        raise EvaluationError(
            what,
            got=f"columns {frame.columns}",
            want=f"also {missing}",
            remedy="Pass the frame as its table declares it; names are matched exactly.",
        )


def _checked_labels(labels: pl.DataFrame, label: str) -> pl.DataFrame:
    checked_label_name(label)
    require_columns(labels, (*KEY, label), "labels")
    if labels.select(KEY).is_duplicated().any():
        raise EvaluationError(
            "labels", got="two rows for one key", want=f"unique {KEY}", remedy="Rebuild the labels of these sessions."
        )
    outcome = pl.col(label).cast(pl.Float64).fill_nan(None).alias("label")
    return labels.select("session", "code", _HORIZON, outcome)


def _tradable(universe: pl.DataFrame) -> pl.DataFrame:
    require_columns(universe, ("session", "code", "is_tradable"), "universe")
    return universe.filter("is_tradable").select("session", "code")


def _horizons(frame: pl.DataFrame) -> list[int]:
    return sorted(frame["horizon_d"].unique().to_list())


def _span(frame: pl.DataFrame) -> str:
    days = sorted(frame["session"].unique().to_list())
    return f"{days[0]} .. {days[-1]}" if days else "no session"
