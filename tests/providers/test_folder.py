"""The folder transport: delivery, refusals, feedback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from delivery_world import DATA, Log, S, make_parcel

from canonical.contracts import RemoteFile
from canonical.errors import OutsideError, TransientError
from canonical.plugins import discover
from providers.folder import TRANSPORT, FolderOptions, FolderRemote, _FolderPlace


@pytest.fixture
def remote(tmp_path) -> FolderRemote:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    with TRANSPORT.connect(FolderOptions(inbox=tmp_path / "in", outbox=tmp_path / "out"), None) as remote:
        return remote


def test_all_transports_are_found() -> None:
    assert {"folder", "sftp", "http-api"} <= set(discover("providers", "TRANSPORT"))


@pytest.mark.parametrize("release", ["rename", "marker", "direct"])
def test_delivers(tmp_path, release) -> None:
    (tmp_path / "in").mkdir()
    log, parcel = Log(tmp_path / "log.db"), make_parcel(tmp_path)
    with TRANSPORT.connect(FolderOptions(inbox=tmp_path / "in", release=release), None) as remote:
        remote.deliver(parcel, log)
    assert log.state is S.DELIVERED
    names = {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    assert names == {parcel.name: DATA} | ({f"{parcel.name}.done": b""} if release == "marker" else {})


def test_a_missing_folder_is_an_outside_error(tmp_path) -> None:
    options = FolderOptions(inbox=tmp_path / "nowhere")
    with pytest.raises(OutsideError, match="no folder nowhere"), TRANSPORT.connect(options, None):
        pass


def test_a_folder_that_refuses_is_no_success(tmp_path, remote) -> None:
    log, parcel = Log(tmp_path / "log.db"), make_parcel(tmp_path)
    (tmp_path / "in").rmdir()
    with pytest.raises(OutsideError, match="cannot write"):
        remote.deliver(parcel, log)
    assert log.state is S.UPLOADING


def test_nothing_is_written_over_a_file(tmp_path) -> None:
    """A worker that slept before its put writes into nothing that another one has released."""
    place, ours = _FolderPlace(tmp_path), make_parcel(tmp_path).path
    (tmp_path / "a").write_bytes(b"a")
    for write in (lambda: place.put("a", ours), lambda: place.mark("a")):
        with pytest.raises(OutsideError, match="exists"):
            write()
    assert (tmp_path / "a").read_bytes() == b"a"


def test_rename_is_one_step_and_never_over_a_file(tmp_path) -> None:
    place = _FolderPlace(tmp_path)
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    inode = (tmp_path / "a").stat().st_ino
    with pytest.raises(OutsideError, match="exists"):
        place.rename("a", "b")
    place.rename("a", "c")
    assert (tmp_path / "c").stat().st_ino == inode
    assert (tmp_path / "b").read_bytes() == b"b"
    with pytest.raises(OutsideError, match="No such file"):
        place.rename("a", "d")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "..", "a\0b"])
def test_names_stay_in_their_folder(tmp_path, remote, name) -> None:
    with pytest.raises(OutsideError, match="plain file name"):
        _FolderPlace(tmp_path).size(name)
    with pytest.raises(OutsideError, match="plain file name"):
        remote.fetch(RemoteFile(name, 0, ""))


def test_feedback_lists_whole_files_in_name_order(tmp_path, remote) -> None:
    out = tmp_path / "out"
    for name in ("b.xml", "a.xml", ".hidden", "c.xml.part", "d.TMP"):
        (out / name).write_bytes(name.encode())
    (out / "folder").mkdir()
    (out / "link.xml").symlink_to(out / "a.xml")
    found = list(remote.feedback())
    assert [(file.name, file.size) for file in found] == [("a.xml", 5), ("b.xml", 5)]
    assert [remote.fetch(file) for file in found] == [b"a.xml", b"b.xml"]


def test_a_file_that_still_grows_is_left_for_later(tmp_path, remote) -> None:
    path = tmp_path / "out" / "a.xml"
    path.write_bytes(b"half")
    file = next(iter(remote.feedback()))
    path.write_bytes(b"half and half")
    with pytest.raises(TransientError, match="left for later"):
        remote.fetch(file)
    file = next(iter(remote.feedback()))
    path.write_bytes(b"other content")
    os.utime(path, (1, 1))
    with pytest.raises(TransientError, match="left for later"):
        remote.fetch(file)


def test_a_file_that_is_gone_is_an_outside_error(tmp_path, remote) -> None:
    (tmp_path / "out" / "a.xml").write_bytes(b"x")
    file = next(iter(remote.feedback()))
    (tmp_path / "out" / "a.xml").unlink()
    with pytest.raises(OutsideError, match="cannot read"):
        remote.fetch(file)


def test_without_an_outbox_there_is_no_feedback(tmp_path) -> None:
    with TRANSPORT.connect(FolderOptions(inbox=Path(tmp_path)), None) as remote:
        assert list(remote.feedback()) == []
        with pytest.raises(OutsideError, match="no outbox"):
            remote.fetch(RemoteFile("a", 0, ""))


def test_what_was_done_is_on_the_disk_before_it_counts(tmp_path, monkeypatch) -> None:
    """The registry says UPLOADED and DELIVERED after these: a power cut must not take away what it says."""
    flushed, whole = list[str](), os.fsync

    def noted(handle: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        whole(handle)

    monkeypatch.setattr(os, "fsync", noted)
    (tmp_path / "in").mkdir()
    place, parcel = _FolderPlace(tmp_path / "in"), make_parcel(tmp_path)
    place.put(".x.1.part", parcel.path)
    place.rename(".x.1.part", "x.xml")
    place.mark("x.xml.done")
    assert flushed == [".x.1.part", "in", "in", "in"], "the bytes, then each name"
