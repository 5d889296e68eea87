"""What every store must do, whichever server stands behind it."""

import threading

import polars as pl
import pytest

from gogoku_pipeline.core.errors import ObjectMissingError, StoreError
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.bucket import bucket_exists, ensure_bucket


def test_what_is_put_is_got(store):
    payload = bytes(range(256)) * 200
    assert store.objects.put_new("a/b/c.bin", payload)
    assert store.objects.get("a/b/c.bin") == payload
    assert store.objects.exists("a/b/c.bin")
    assert store.objects.get_range("a/b/c.bin", 256, 3) == b"\x00\x01\x02"


def test_nothing_is_ever_overwritten(store):
    assert store.objects.put_new("once", b"first")
    assert not store.objects.put_new("once", b"second")
    assert store.objects.get("once") == b"first"


def test_a_key_without_object_is_an_error_not_a_none(store):
    assert not store.objects.exists("nowhere")
    with pytest.raises(ObjectMissingError, match="nowhere"):
        store.objects.get("nowhere")


@pytest.mark.parametrize("key", ["a b/c d", "ü/日本.json", "a+b%20c", "x=1/y&z", "deep/" * 8 + "end", "q?w", "h#h"])
def test_odd_keys_are_kept_apart(store, key):
    assert store.objects.put_new(key, key.encode())
    assert store.objects.get(key) == key.encode()
    assert key in store.objects.list()


def test_lists_go_beyond_one_page_of_a_thousand(store):
    keys = [f"many/{number:04d}" for number in range(1_050)]
    threads = [
        threading.Thread(target=lambda part: [store.objects.put_new(key, b"x") for key in part], args=(keys[start::8],))
        for start in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.objects.list("many") == keys
    assert store.objects.list("man") == []


def test_deleting_twice_is_fine(store):
    store.objects.put_new("gone", b"x")
    store.objects.delete(["gone"])
    store.objects.delete(["gone"])
    assert not store.objects.exists("gone")


def test_a_large_object_survives(store):
    payload = b"0123456789abcdef" * (9 << 16)
    assert store.objects.put_new("large", payload)
    assert store.objects.get("large") == payload


def test_a_race_has_exactly_one_winner(store):
    for round_number in range(5):
        barrier = threading.Barrier(16)
        won = []

        def attempt(number, key=f"race/{round_number}", barrier=barrier, won=won):
            barrier.wait()
            if store.objects.put_new(key, str(number).encode()):
                won.append(number)

        threads = [threading.Thread(target=attempt, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert store.objects.get(f"race/{round_number}") == str(won[0]).encode()


def test_a_store_opens_again_and_again(place):
    for _ in range(3):
        open_store(*place).objects.put_new("again", b"x")
    assert open_store(*place).objects.get("again") == b"x"


def test_a_bucket_is_made_once(place):
    url, options = place
    open_store(url, options)
    assert not ensure_bucket(url, options)
    assert bucket_exists(url, options)


def test_a_bucket_that_is_missing_is_reported(moto_endpoint):
    options = {"aws_endpoint_url": moto_endpoint, "aws_access_key_id": "canary-id", "aws_secret_access_key": "canary"}
    options |= {"aws_region": "us-east-1", "aws_allow_http": "true"}
    assert not bucket_exists("s3://gogoku-absent/x", options)
    with pytest.raises(StoreError, match="credentials") as caught:
        open_store("s3://gogoku-absent/x", options)
    assert "canary" not in str(caught.value) + repr(caught.value)


def test_a_table_round_trip(store, prices, rows, days, commit):
    window = days(8)
    frame = rows(window)
    done = store.tables.write_sessions(prices, frame, window, commit=commit)
    back = store.tables.scan(prices).collect()
    assert back.schema == prices.polars_schema
    assert back.equals(frame.sort("session", "code"))
    assert done.row_count == frame.height
    assert store.tables.version(prices) == done.version


def test_one_session_is_overwritten_and_its_neighbours_stay(store, prices, rows, days, commit):
    window = days(8)
    store.tables.write_sessions(prices, rows(window), window, commit=commit)
    store.tables.write_sessions(prices, rows([window[3]], factor=10.0), [window[3]], commit=commit)
    back = store.tables.scan(prices).collect()
    changed = back.filter(back["session"] == window[3])
    assert changed.equals(rows([window[3]], factor=10.0).sort("session", "code"))
    others = back.filter(back["session"] != window[3])
    assert others.equals(rows([day for day in window if day != window[3]]).sort("session", "code"))


def test_writers_who_meet_all_get_their_rows_in(store, prices, rows, days, commit):
    window = days(4)
    store.tables.write_sessions(prices, rows(window), window, commit=commit)
    problems = []

    def write(day):
        try:
            store.tables.write_sessions(prices, rows([day], factor=3.0), [day], commit=commit)
        except StoreError as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(day,)) for day in window]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert store.tables.scan(prices).collect().equals(rows(window, factor=3.0).sort("session", "code"))


def test_writers_who_create_a_table_together_all_get_their_rows_in(store, notes, commit):
    barrier, problems = threading.Barrier(6), []

    def write(number):
        barrier.wait()
        try:
            store.tables.append(notes, pl.DataFrame({"name": [f"n{number}"], "value": [number]}), commit=commit)
        except StoreError as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert store.tables.scan(notes).collect()["value"].to_list() == list(range(6))
