"""How a bucket should be kept: versions on, rubbish swept, nobody else let in. Looks, and puts right when asked.

Versions protect raw payloads from a slip of the hand; a table's own history needs none, so superseded objects go after
30 days. Source: S3 API (GetBucketVersioning, PutBucketLifecycleConfiguration, PutBucketPolicy).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gogoku_pipeline.core.errors import ConditionalWriteError
from gogoku_pipeline.store.bucket import client_of, failed, refusal_code
from gogoku_pipeline.store.locations import Location, parse_location
from gogoku_pipeline.store.objects import ObjectStore

SUPERSEDED_DAYS = 30
UNFINISHED_DAYS = 7
LIFECYCLE_ID = "gogoku-sweep"
POLICY_ID = "gogoku-tls-only"


@dataclass(frozen=True)
class Habit:
    """One habit of a well-kept bucket.

    Attributes:
        name: short name.
        is_kept: whether the bucket has it.
        words: what it is good for.
    """

    name: str
    is_kept: bool
    words: str


def inspect_bucket(url: str, options: Mapping[str, str]) -> list[Habit]:
    """Which habits the bucket of a store has; none are asked of a local store.

    Args:
        url: `s3://bucket/prefix`.
        options: object_store options.

    Raises:
        StoreError: the server cannot be reached or refuses the question.
    """
    location = parse_location(url, options)
    if location.is_local:
        return []
    return [Habit(care.name, _asked(location, care.is_kept), care.words) for care in _cares(location)]


def keep_bucket(url: str, options: Mapping[str, str]) -> list[Habit]:
    """Give the bucket every habit it lacks and can have; returns how it is kept now. Errors as for `inspect_bucket`.

    Some servers (Ceph 16) forget create-only writes on a bucket with versions; commits would be lost there, so the
    promise is proved again after switching versions on, and versions are switched off where it no longer holds.
    """
    location = parse_location(url, options)
    if location.is_local:
        return []
    return [_kept(location, care) for care in _cares(location)]


def _kept(location: Location, care: _Care) -> Habit:
    if _asked(location, care.is_kept):
        return Habit(care.name, True, care.words)
    _asked(location, care.adopt)
    try:
        ObjectStore(location).prove_conditional_writes()
    except ConditionalWriteError:
        _asked(location, _drop_versions)
        return Habit(care.name, False, "this server forgets create-only writes with it, so it stays off")
    return Habit(care.name, True, f"{care.words} (just now)")


@dataclass(frozen=True)
class _Care:
    name: str
    words: str
    is_kept: Callable[[Any, str], bool]
    adopt: Callable[[Any, str], bool]


def _cares(location: Location) -> list[_Care]:
    """Every habit; the policy only where the server is reached over TLS (it would lock out plain http)."""
    cares = [
        _Care("versioning", "a deleted or replaced object can be brought back", _has_versions, _keep_versions),
        _Care("lifecycle", "unfinished uploads and superseded objects are swept", _is_swept, _sweep),
    ]
    if not location.options.get("aws_endpoint_url", "https://").startswith("http://"):
        cares.append(_Care("policy", "requests without TLS are refused", _is_tls_only, _require_tls))
    return cares


def _asked(location: Location, question: Callable[[Any, str], bool]) -> bool:
    try:
        return question(client_of(location), location.bucket)
    except ClientError as refusal:
        raise failed(location, f"refusal {refusal_code(refusal)}") from None
    except BotoCoreError as problem:
        raise failed(location, type(problem).__name__) from None


def _has_versions(client: Any, bucket: str) -> bool:
    return bool(client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled")


def _drop_versions(client: Any, bucket: str) -> bool:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    return True


def _keep_versions(client: Any, bucket: str) -> bool:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return True


def _rules(client: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        return list(client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", []))
    except ClientError as refusal:
        if refusal_code(refusal) == "NoSuchLifecycleConfiguration":
            return []
        raise


def _is_swept(client: Any, bucket: str) -> bool:
    return any(rule.get("ID") == LIFECYCLE_ID and rule.get("Status") == "Enabled" for rule in _rules(client, bucket))


def _sweep(client: Any, bucket: str) -> bool:
    """Add our rule to those that are there."""
    ours = {
        "ID": LIFECYCLE_ID,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": SUPERSEDED_DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
    }
    others = [rule for rule in _rules(client, bucket) if rule.get("ID") != LIFECYCLE_ID]
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [*others, ours]})
    return True


def _statements(client: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as refusal:
        if refusal_code(refusal) == "NoSuchBucketPolicy":
            return []
        raise
    return list(document.get("Statement", []))


def _is_tls_only(client: Any, bucket: str) -> bool:
    return any(statement.get("Sid") == POLICY_ID for statement in _statements(client, bucket))


def _require_tls(client: Any, bucket: str) -> bool:
    """Add our statement to those that are there."""
    ours = {
        "Sid": POLICY_ID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [*_statements(client, bucket), ours]}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return True
