"""The object store's contract, on a folder and on S3 (moto's server)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from s3 import s3_server

from canonical.errors import ConfigError, Conflict, NotFound, OutsideError
from gateway.store import ObjectStore, open_store


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path, monkeypatch) -> Iterator[ObjectStore]:
    if request.param == "folder":
        yield open_store(f"file://{tmp_path}/store")
        return
    with s3_server(monkeypatch) as bucket:
        yield open_store(f"s3://{bucket}/prefix")


def test_put_get_head_list(store: ObjectStore) -> None:
    store.put("a/b/one.txt", b"1")
    store.put("a/two.txt", b"22")
    assert store.get("a/b/one.txt") == b"1"
    assert [(item.key, item.size) for item in store.list("a")] == [("a/b/one.txt", 1), ("a/two.txt", 2)]
    assert store.head("a/none") is None
    with pytest.raises(NotFound):
        store.get("a/none")


def test_create_is_won_once(store: ObjectStore) -> None:
    store.put("a", b"first", create=True)
    with pytest.raises(Conflict):
        store.put("a", b"second", create=True)
    assert store.get("a") == b"first"


def test_delete_spares_what_was_written_anew(store: ObjectStore) -> None:
    store.put("inbox/a", b"first")
    seen = store.head("inbox/a")
    assert seen is not None
    store.put("inbox/a", b"second, longer")
    assert not store.delete("inbox/a", seen.version)
    assert store.get("inbox/a") == b"second, longer"
    now = store.head("inbox/a")
    assert now is not None
    assert store.delete("inbox/a", now.version)
    assert store.head("inbox/a") is None
    assert not store.delete("inbox/a", now.version)


def test_copy_and_map(store: ObjectStore, tmp_path) -> None:
    data = os.urandom(3_000_000)
    store.put("big", data)
    with (tmp_path / "copy").open("wb") as out:
        _, size = store.copy_to("big", out)
    assert size == len(data)
    assert (tmp_path / "copy").read_bytes() == data
    with store.mapped("big") as view:
        assert view[1000:1010] == data[1000:1010]
    store.put("empty", b"")
    with store.mapped("empty") as view:
        assert len(view) == 0


def test_an_object_is_had_under_another_key(store: ObjectStore) -> None:
    store.put("a/one", b"1")
    store.copy("a/one", "b/c/two")
    store.copy("a/one", "b/c/two")
    assert store.get("b/c/two") == b"1"
    store.put("a/one", b"other")
    assert store.get("b/c/two") == b"1", "who has it keeps what it was"
    found = store.head("b/c/two")
    assert found is not None
    assert store.delete("b/c/two", found.version)
    assert store.get("a/one") == b"other"
    with pytest.raises(NotFound):
        store.copy("a/none", "b/none")


def test_put_takes_a_file(store: ObjectStore, tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 12_000_000)
    store.put("from-file", tmp_path / "file")
    found = store.head("from-file")
    assert found is not None
    assert found.size == 12_000_000


@pytest.mark.parametrize("linked", [True, False])
def test_a_file_that_is_given_outlives_its_name(store: ObjectStore, tmp_path, monkeypatch, linked) -> None:
    path = tmp_path / "answer"
    path.write_bytes(b"answer")
    if not linked:
        monkeypatch.setattr("gateway.store._folder._linked", lambda data, aside: False)
    store.put("answers/a", path, given=True)
    path.unlink()
    assert store.get("answers/a") == b"answer"
    assert [item.key for item in store.list("answers/")] == ["answers/a"]


def test_a_folder_without_permission_or_space_says_so(tmp_path) -> None:
    store = open_store(f"file://{tmp_path}/store")
    (tmp_path / "store" / "blocked").write_text("a file where a folder should be")
    with pytest.raises(OutsideError):
        store.put("blocked/key", b"1")


def test_other_schemes_are_refused() -> None:
    with pytest.raises(ConfigError, match="file:// or s3://"):
        open_store("ftp://somewhere/x")
