"""Every error the house raises on purpose. Each says thing, got, want, remedy.

GogokuError
├── ConfigError              a setting or a combination of settings cannot work
├── ApiError                 the J-Quants service answered something we cannot use
│   ├── CredentialsError     no key, or a key that is invalid or expired (403)
│   ├── PlanError            the plan lacks this endpoint (403)
│   ├── CoverageError        the plan lacks these dates (400); carries the window
│   ├── RequestError         any other 4xx: our request is wrong, no retry
│   ├── NotAvailableError    the service has nothing to say at this hour (210)
│   ├── RateLimitError       429 that outlasted the retries
│   ├── ServerError          5xx, time-out or reset that outlasted the retries
│   └── PayloadError         a body that is not what the contract says, or is too large
├── StoreError               bytes or tables could not be kept or found
│   ├── ObjectMissingError   no such object
│   ├── ConditionalWriteError  the server ignores or refuses create-only writes
│   ├── CommitConflictError  another writer won, even after the retries
│   ├── PartitionMissingError  a session was asked for that was never written
│   └── ArtefactError        a model file is missing, altered or incomplete
├── SchemaError              columns missing, renamed, retyped, or keys not unique
├── DataError                rows that contradict the calendar, the partition or the counts
├── FeatureError             a declaration or a request that the registry refuses
│   └── CarriedStateError    what an earlier session left behind does not fit the one appended to it
├── LeakError                something knew what it could not have known
├── DatasetError             labels, splits, panels or scores that do not fit together
├── TrainingError            a fit that failed
│   └── CollapseError        a model whose scores stopped telling stocks apart
├── EvaluationError          scores or labels that cannot be judged
└── RegistryError            versions or champions that contradict each other
"""

from __future__ import annotations

from datetime import date


class GogokuError(Exception):
    """Root of the tree: one sentence per question a person asks.

    Args:
        thing: what it is about, e.g. ``"daily_bars 2024-05-08"``.
        got: what was found.
        want: what was expected.
        remedy: what to do now, as an imperative sentence.
    """

    def __init__(self, thing: str, *, got: str, want: str, remedy: str) -> None:
        super().__init__(thing, got, want, remedy)
        self.thing = thing
        self.got = got
        self.want = want
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.thing}: got {self.got}; want {self.want}. {self.remedy}"


class ConfigError(GogokuError):
    """A setting or a combination of settings cannot work."""


class ApiError(GogokuError):
    """The J-Quants service answered something we cannot use. ``status`` is the HTTP status, 0 without an answer."""

    def __init__(self, thing: str, *, got: str, want: str, remedy: str, status: int = 0) -> None:
        super().__init__(thing, got=got, want=want, remedy=remedy)
        self.status = status


class CredentialsError(ApiError):
    """No key, or a key that is invalid or expired."""


class PlanError(ApiError):
    """The subscription does not include this endpoint; ``message`` is what the service said, made safe."""

    message: str = ""


class CoverageError(ApiError):
    """The subscription does not cover these dates; ``covered_from`` and ``covered_to`` are what it does cover."""

    covered_from: date | None = None
    covered_to: date | None = None


class RequestError(ApiError):
    """Our request is wrong; repeating it cannot help."""


class NotAvailableError(ApiError):
    """The service has nothing to say now (210): outside the serving hours, or an issue it does not know."""


class RateLimitError(ApiError):
    """429 outlasted the retries."""


class ServerError(ApiError):
    """5xx, time-outs or resets outlasted the retries."""


class PayloadError(ApiError):
    """A body that is not what the contract says, or is larger than the cap."""


class StoreError(GogokuError):
    """Bytes or tables could not be kept or found."""


class ObjectMissingError(StoreError):
    """No such object."""


class ConditionalWriteError(StoreError):
    """The server ignores or refuses create-only writes, so commits could be lost."""


class CommitConflictError(StoreError):
    """Another writer won the commit, even after the retries."""


class PartitionMissingError(StoreError):
    """A session was asked for that was never written."""


class ArtefactError(StoreError):
    """A model file is missing, altered or incomplete."""


class SchemaError(GogokuError):
    """Columns missing, renamed or retyped, or keys that are not unique."""


class DataError(GogokuError):
    """Rows that contradict the calendar, the partition or the counts."""


class FeatureError(GogokuError):
    """A declaration or a request that the feature registry refuses."""


class CarriedStateError(FeatureError):
    """What an earlier session left behind does not fit the one appended to it; a rebuild needs no such state."""


class LeakError(GogokuError):
    """Something knew what it could not have known."""


class DatasetError(GogokuError):
    """Labels, splits, panels or scores that do not fit together."""


class TrainingError(GogokuError):
    """A fit that failed."""


class CollapseError(TrainingError):
    """A model whose scores stopped telling stocks apart."""


class EvaluationError(GogokuError):
    """Scores or labels that cannot be judged."""


class RegistryError(GogokuError):
    """Versions or champions that contradict each other."""
