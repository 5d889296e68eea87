"""Administration of the bucket, apart from the data path: create it, see whether it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gogoku_pipeline.core.errors import StoreError
from gogoku_pipeline.store.locations import Location, parse_location

_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


def ensure_bucket(url: str, options: Mapping[str, str]) -> bool:
    """Create the bucket of a store if it is missing; local stores need none.

    Args:
        url: `s3://bucket/prefix` (or `file://...`, where nothing is done).
        options: object_store options, e.g. from `core.settings.object_store_options()`.

    Returns:
        True if it was created now.

    Raises:
        ConfigError: a URL nobody could open.
        StoreError: the server cannot be reached or refuses.
    """
    location = parse_location(url, options)
    if location.is_local or bucket_exists(url, options):
        return False
    try:
        client_of(location).create_bucket(Bucket=location.bucket, **_placement(location))
    except ClientError as refusal:
        if refusal_code(refusal) in _THERE:
            return False
        raise failed(location, f"refusal {refusal_code(refusal)}") from None
    except BotoCoreError as problem:
        raise failed(location, type(problem).__name__) from None
    return True


def bucket_exists(url: str, options: Mapping[str, str]) -> bool:
    """Whether the bucket answers; errors as for `ensure_bucket`."""
    location = parse_location(url, options)
    if location.is_local:
        return location.path.is_dir()
    try:
        client_of(location).head_bucket(Bucket=location.bucket)
    except ClientError as refusal:
        if refusal_code(refusal) in ("404", "NoSuchBucket"):
            return False
        raise failed(location, f"refusal {refusal_code(refusal)}") from None
    except BotoCoreError as problem:
        raise failed(location, type(problem).__name__) from None
    return True


def client_of(location: Location) -> Any:
    """A boto3 client of the bucket's server (boto3 makes its classes at run time)."""
    options = location.options
    return boto3.client(
        "s3",
        endpoint_url=options.get("aws_endpoint_url") or None,
        aws_access_key_id=options.get("aws_access_key_id") or None,
        aws_secret_access_key=options.get("aws_secret_access_key") or None,
        aws_session_token=options.get("aws_session_token") or None,
        region_name=options.get("aws_region") or "us-east-1",
        config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2}),
    )


def _placement(location: Location) -> dict[str, dict[str, str]]:
    """Outside us-east-1 (and other servers than Amazon's) the region must be named."""
    region = location.options.get("aws_region") or "us-east-1"
    if region == "us-east-1" or location.options.get("aws_endpoint_url"):
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def refusal_code(refusal: ClientError) -> str:
    """The server's short name of its refusal."""
    return str(refusal.response.get("Error", {}).get("Code", "unknown"))


def failed(location: Location, got: str) -> StoreError:
    """The error for a bucket that cannot be administered; it never holds a secret."""
    return StoreError(
        f"bucket {location.bucket}",
        got=got,
        want="a bucket that answers",
        remedy="Check the endpoint, the credentials and the right to create buckets.",
    )
