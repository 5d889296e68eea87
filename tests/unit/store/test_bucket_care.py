"""A bucket is kept well when asked, and nothing that was there before is lost."""

import uuid

import pytest

from gogoku_pipeline.core.errors import StoreError
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.bucket import client_of, ensure_bucket
from gogoku_pipeline.store.bucket_care import LIFECYCLE_ID, inspect_bucket, keep_bucket
from gogoku_pipeline.store.locations import parse_location


@pytest.fixture
def fresh(place):
    """A bucket nobody has touched; a folder where the store is local."""
    url, options = place
    if url.startswith("file"):
        return url, options
    url = f"s3://gogoku-{uuid.uuid4().hex[:12]}/prefix"
    ensure_bucket(url, options)
    return url, options


def kept(place):
    return {habit.name: habit.is_kept for habit in inspect_bucket(*place)}


def test_every_habit_the_server_can_have_is_adopted(fresh):
    before = kept(fresh)
    assert not any(before.values())
    after = {habit.name: habit for habit in keep_bucket(*fresh)}
    assert set(after) == set(before)
    assert kept(fresh) == {name: habit.is_kept for name, habit in after.items()}
    assert all(habit.is_kept or "create-only" in habit.words for habit in after.values())
    assert not before or after["lifecycle"].is_kept
    assert open_store(*fresh).objects.put_new("after", b"x")  # the promise still holds


def test_rules_of_others_stay(fresh):
    url, options = fresh
    location = parse_location(url, options)
    if location.is_local:
        assert inspect_bucket(*fresh) == []
        return
    other = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 90}}
    server = client_of(location)
    server.put_bucket_lifecycle_configuration(Bucket=location.bucket, LifecycleConfiguration={"Rules": [other]})
    keep_bucket(*fresh)
    rules = server.get_bucket_lifecycle_configuration(Bucket=location.bucket)["Rules"]
    assert {rule["ID"] for rule in rules} == {"theirs", LIFECYCLE_ID}


@pytest.mark.slow
def test_a_wrong_secret_is_refused_and_not_repeated(ceph_endpoint):
    """Ceph checks signatures (moto does not)."""
    options = {"aws_endpoint_url": ceph_endpoint, "aws_access_key_id": "testkey", "aws_region": "us-east-1"}
    options |= {"aws_secret_access_key": "canary-wrong", "aws_allow_http": "true"}
    for attempt in (
        lambda: ensure_bucket("s3://gogoku-wrong/x", options),
        lambda: open_store("s3://gogoku-wrong/x", options),
    ):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert "canary" not in str(caught.value) + repr(caught.value.__cause__)
