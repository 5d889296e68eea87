"""Model files are complete and unaltered, or they do not exist."""

import pytest

from gogoku_pipeline.core.errors import ArtefactError, ConfigError
from gogoku_pipeline.store import open_store

FILES = {"weights.safetensors": bytes(range(256)) * 10, "model.txt": b"tree"}
MANIFEST = {"feature_hash": "f00", "tables": {"feat__prices": 12}}


def test_what_is_saved_is_loaded(store):
    store.artefacts.save("apex_ranker", "20240508-1", FILES, MANIFEST)
    loaded = store.artefacts.load("apex_ranker", "20240508-1")
    assert (loaded.files, loaded.manifest) == (FILES, MANIFEST)
    assert store.artefacts.manifest("apex_ranker", "20240508-1") == MANIFEST
    assert store.artefacts.versions("apex_ranker") == ["20240508-1"]
    assert store.artefacts.versions("other") == []


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("place", [0, 5, -1])
def test_one_changed_byte_anywhere_is_noticed(tmp_path, name, place):
    store = open_store(f"file://{tmp_path}/data")
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    file = tmp_path / "data/models/m/v1" / name
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtefactError):
        store.artefacts.load("m", "v1")


def test_without_manifest_there_is_no_version(tmp_path):
    store = open_store(f"file://{tmp_path}/data")
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    (tmp_path / "data/models/m/v1/manifest.json").unlink()
    assert store.artefacts.versions("m") == []
    with pytest.raises(ArtefactError, match="no manifest"):
        store.artefacts.load("m", "v1")
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    assert store.artefacts.load("m", "v1").files == FILES


def test_a_missing_file_is_noticed(tmp_path):
    store = open_store(f"file://{tmp_path}/data")
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    (tmp_path / "data/models/m/v1/model.txt").unlink()
    with pytest.raises(ArtefactError, match="no file model.txt"):
        store.artefacts.load("m", "v1")


def test_a_version_never_changes(store):
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    with pytest.raises(ArtefactError, match="another version"):
        store.artefacts.save("m", "v1", FILES | {"model.txt": b"other"}, MANIFEST)
    with pytest.raises(ArtefactError, match="another version"):
        store.artefacts.save("m", "v1", FILES, MANIFEST | {"feature_hash": "bad"})
    assert store.artefacts.load("m", "v1").manifest == MANIFEST


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "sp ace"])
def test_names_stay_one_segment(store, name):
    with pytest.raises(ConfigError):
        store.artefacts.save(name, "v1", FILES, MANIFEST)
    with pytest.raises(ConfigError):
        store.artefacts.save("m", "v1", {name: b"x"}, MANIFEST)


def test_a_version_that_never_became_complete_gives_way_to_a_newer_one(tmp_path):
    store = open_store(f"file://{tmp_path}/data")
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    (tmp_path / "data/models/m/v1/manifest.json").unlink()
    store.artefacts.save("m", "v1", FILES | {"model.txt": b"other"}, MANIFEST)
    assert store.artefacts.load("m", "v1").files["model.txt"] == b"other"


def test_a_part_is_found_by_whoever_goes_on_and_is_no_version(store):
    assert store.artefacts.part("m", "v1", "seed-1") is None
    store.artefacts.save_part("m", "v1", "seed-1", FILES, [{"epoch": 1.0}])
    assert store.artefacts.part("m", "v1", "seed-1") == (FILES, [{"epoch": 1.0}])
    assert store.artefacts.part("m", "v1", "seed-2") is None
    assert store.artefacts.versions("m") == []
    store.artefacts.save("m", "v1", FILES, MANIFEST)
    assert store.artefacts.load("m", "v1").files == FILES
    with pytest.raises(ArtefactError, match="another version"):
        store.artefacts.save_part("m", "v1", "seed-1", {"model.txt": b"other"})


@pytest.mark.parametrize("damage", ["cut", "missing", "half-written list"])
def test_a_part_that_is_not_what_it_was_is_made_again(tmp_path, damage):
    store = open_store(f"file://{tmp_path}/data")
    store.artefacts.save_part("m", "v1", "seed-1", FILES)
    folder = tmp_path / "data/models/m/v1"
    if damage == "cut":
        (folder / "model.txt").write_bytes(b"tr")
    elif damage == "missing":
        (folder / "model.txt").unlink()
    else:
        (folder / "seed-1.part.json").write_text('{"files": {')
    assert store.artefacts.part("m", "v1", "seed-1") is None
    store.artefacts.save_part("m", "v1", "seed-1", FILES)
    assert store.artefacts.part("m", "v1", "seed-1") == (FILES, None)
