"""SFTP where lines break, servers clear and banks are quick: against the sandbox and against OpenSSH's own server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest
from delivery_world import DATA, CutLine, Log, S, SftpOptions, make_parcel
from sshd import sshd
from workers import sample

from canonical.errors import ConfigError, OutsideError, TransientError
from providers._sftp_folder import SftpFolder
from providers._ways import temporary_name
from providers.sftp import TRANSPORT
from sandbox._bank_home import BankWays
from sandbox.keys import make_key, public_key
from sandbox.sftp import SftpSandbox, User

WAYS = {
    "bank": BankWays(),
    "quick": BankWays(takes_at_once=True),
    "clearing": BankWays(clear_temporaries_s=0.0),
}
Make = Callable[..., tuple[SftpOptions, Path]]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("lines")


@pytest.fixture(scope="module")
def sandbox(root) -> Iterator[SftpSandbox]:
    key = public_key(make_key(root / "keys", "gateway"))
    users = [
        User(username=name, kind="bank", home=str(root / name), authorized_keys=key, ways=ways)
        for name, ways in WAYS.items()
    ]
    with SftpSandbox(users, root / "keys" / "server") as server:
        yield server


@pytest.fixture(scope="module")
def openssh(root) -> Iterator[Any]:
    with sshd(root / "openssh") as server:
        yield server


@pytest.fixture(params=["sandbox", "openssh"])
def make(request, root) -> Make:
    server = request.getfixturevalue(request.param)
    home = root / "bank" if request.param == "sandbox" else server.folder
    names = {"username": "bank", "inbox": "/in", "outbox": "/out"}
    if request.param == "openssh":
        names = {"username": server.username, "inbox": str(home / "in"), "outbox": str(home / "out")}

    def options(**changes: Any) -> tuple[SftpOptions, Path]:
        values = {
            "host": "127.0.0.1", "port": server.port, "private_key_secret": "gateway", "host_key": server.host_key,
            "rename_atomic": True, "temporaries_cleared": False, "timeout_s": 5, "stable_s": 0.05, **names, **changes,
        }  # fmt: skip
        return SftpOptions.model_validate(values), home

    options.secret = lambda _: (  # type: ignore[attr-defined]
        (root / "keys" / "gateway") if request.param == "sandbox" else server.key
    ).read_text()
    return options


@pytest.fixture
def parcel(tmp_path):
    return replace(make_parcel(tmp_path, f"{tmp_path.name}.xml"), submission_id=tmp_path.name)


def deliver(options: SftpOptions, make: Make, parcel: Any, log: Log) -> None:
    with TRANSPORT.connect(options, make.secret) as remote:  # type: ignore[attr-defined]
        remote.deliver(parcel, log)


@pytest.mark.parametrize("release", ["rename", "marker", "direct"])
def test_delivers(tmp_path, make, parcel, release) -> None:
    options, home = make(release=release)
    log = Log(tmp_path / "log.db")
    deliver(options, make, parcel, log)
    assert log.state is S.DELIVERED, log.detail
    assert (home / "in" / parcel.name).read_bytes() == DATA


def test_a_taken_name_is_refused_by_the_server_itself(tmp_path, make, parcel) -> None:
    options, home = make()
    (home / "in").mkdir(parents=True, exist_ok=True)
    (home / "in" / parcel.name).write_bytes(b"somebody else's")
    with TRANSPORT.connect(options, make.secret) as remote:
        place = SftpFolder(remote._sftp, options.inbox, hash_offered=False)
        place.put(temporary_name(parcel, 1), parcel.path)
        with pytest.raises(OutsideError, match="rename"):
            place.rename(temporary_name(parcel, 1), parcel.name)
        for write in (lambda: place.put(parcel.name, parcel.path), lambda: place.mark(parcel.name)):
            with pytest.raises(OutsideError, match="write"):
                write()
    assert (home / "in" / parcel.name).read_bytes() == b"somebody else's"


@pytest.mark.parametrize("resume", [False, True])
def test_a_line_cut_at_every_nth_byte(tmp_path, make, resume) -> None:
    """Whatever was sent when the line went: nothing is released in part, and the next attempt delivers once."""
    points = sample([*range(0, 4000, 1300), *range(4000, 76_000, 9000), *range(72_000, 76_500, 500)], 6)
    reached = 0
    for point in points:
        parcel = replace(
            make_parcel(tmp_path, f"{tmp_path.name}-{point}.xml"), submission_id=f"{tmp_path.name}-{point}"
        )
        options, home = make(resume=resume)
        log, cut = Log(tmp_path / f"{point}.db"), CutLine(options.port, point)
        with suppress(TransientError, OutsideError):
            deliver(options.model_copy(update={"port": cut.port, "timeout_s": 3}), make, parcel, log)
        released = home / "in" / parcel.name
        assert not released.exists() or released.read_bytes() == DATA, point
        reached += log.state is not S.PREPARED
        for _ in range(2):
            deliver(options, make, parcel, Log(tmp_path / f"{point}.db"))
        after = Log(tmp_path / f"{point}.db")
        assert after.state is S.DELIVERED, (point, after.detail)
        assert released.read_bytes() == DATA, point
        parts = [path.name for path in (home / "in").iterdir() if path.name.startswith(f".{parcel.submission_id}.")]
        assert len(parts) <= 1, point
    assert reached > len(points) // 2


def test_an_upload_is_carried_on_where_it_broke(tmp_path, make, parcel, monkeypatch) -> None:
    options, home = make(resume=True)
    (home / "in" / temporary_name(parcel, 1)).write_bytes(DATA[:50_000])
    log = Log(tmp_path / "log.db").force(S.UPLOADING)
    written = []
    whole = SftpFolder._write

    def counting(self: SftpFolder, target: Any, name: str, path: Path, start: int) -> None:
        written.append(start)
        whole(self, target, name, path, start)

    monkeypatch.setattr(SftpFolder, "_write", counting)
    deliver(options, make, parcel, log)
    assert written == [50_000]
    assert (log.state, log.attempt) == (S.DELIVERED, 2)
    assert (home / "in" / parcel.name).read_bytes() == DATA
    assert not (home / "in" / temporary_name(parcel, 1)).exists()


@pytest.mark.parametrize("left", [DATA[:49_999] + b"!", DATA + b"more", b""])
def test_what_is_not_the_beginning_of_our_file_is_not_carried_on(tmp_path, make, parcel, left) -> None:
    options, home = make(resume=True)
    (home / "in" / temporary_name(parcel, 1)).write_bytes(left)
    log = Log(tmp_path / "log.db").force(S.UPLOADING)
    deliver(options, make, parcel, log)
    assert log.state is S.DELIVERED
    assert (home / "in" / parcel.name).read_bytes() == DATA
    assert (home / "in" / temporary_name(parcel, 1)).read_bytes() == left


def test_a_sleeper_that_wakes_in_a_carried_on_upload_changes_nothing(tmp_path, make, parcel) -> None:
    options, home = make(resume=True)
    with TRANSPORT.connect(options, make.secret) as sleeper:
        place = SftpFolder(sleeper._sftp, options.inbox, hash_offered=False)
        target = sleeper._sftp.open(place._at(temporary_name(parcel, 1)), "wx")
        target.write(DATA[:30_000])
        target.flush()
        deliver(options, make, parcel, Log(tmp_path / "log.db").force(S.UPLOADING))
        target.write(DATA[30_000:60_000])
        target.close()
    assert (home / "in" / parcel.name).read_bytes() == DATA


# ---------------------------------------------------------------------------------------------- banks that are quick or clear


@pytest.fixture
def bank(sandbox, root) -> Callable[..., SftpOptions]:
    def options(username: str, **changes: Any) -> SftpOptions:
        values = {
            "host": "127.0.0.1", "port": sandbox.port, "username": username, "private_key_secret": "gateway",
            "host_key": sandbox.host_key, "inbox": "/in", "outbox": "/out", "timeout_s": 5, "stable_s": 0.05, **changes,
        }  # fmt: skip
        return SftpOptions.model_validate(values)

    return options


@pytest.fixture
def secret(root) -> Callable[[str], str]:
    return lambda name: (root / "keys" / name).read_text()


@pytest.mark.parametrize("promises", [{}, {"rename_atomic": True, "temporaries_cleared": False}])
def test_a_bank_that_takes_files_at_once(tmp_path, root, bank, secret, parcel, promises) -> None:
    log = Log(tmp_path / "log.db")
    with TRANSPORT.connect(bank("quick", **promises), secret) as remote:
        remote.deliver(parcel, log)
    assert log.state is S.DELIVERED
    assert "taken it already" in log.detail
    assert (root / "quick/taken" / parcel.name).read_bytes() == DATA
    # Who died after the rename knows it only where nobody else clears what was not released.
    again = Log(tmp_path / "again.db").force(S.RELEASING)
    with TRANSPORT.connect(bank("quick", **promises), secret) as remote:
        remote.deliver(parcel, again)
    assert again.state is (S.DELIVERED if promises else S.UNKNOWN)
    assert list((root / "quick/in").glob(parcel.name)) == []


def test_a_server_that_clears_temporaries(tmp_path, root, bank, secret, parcel) -> None:
    with TRANSPORT.connect(bank("clearing", resume=True), secret) as remote:
        SftpFolder(remote._sftp, "/in", hash_offered=False).put(temporary_name(parcel, 1), parcel.path)
    uploaded = Log(tmp_path / "uploaded.db").force(S.UPLOADED)
    with TRANSPORT.connect(bank("clearing", resume=True), secret) as remote:  # logging in clears
        remote.deliver(parcel, uploaded)
    assert (uploaded.state, uploaded.attempt) == (S.DELIVERED, 2)
    releasing = Log(tmp_path / "releasing.db").force(S.RELEASING)
    other = replace(parcel, submission_id=f"{parcel.submission_id}-2", name=f"2-{parcel.name}")
    with TRANSPORT.connect(bank("clearing"), secret) as remote:
        remote.deliver(other, releasing)
    assert releasing.state is S.UNKNOWN


# ---------------------------------------------------------------------------------------------- who is who


def _opens(options: SftpOptions, secret: Callable[[str], str]) -> bool:
    with TRANSPORT.connect(options, secret) as remote:
        return list(remote.feedback()) is not None


def test_a_server_that_changes_its_key_is_known_by_both(root, bank, secret) -> None:
    old = public_key(make_key(root / "keys", "old_server"))
    assert _opens(bank("bank", host_key=old, host_keys=[bank("bank").host_key]), secret)
    rsa = f"ssh-rsa {paramiko.RSAKey.generate(2048).get_base64()}"
    assert _opens(bank("bank", host_key=rsa, host_keys=[old, bank("bank").host_key]), secret)
    with pytest.raises(OutsideError, match="another host key"):
        _opens(bank("bank", host_key=old, host_keys=[public_key(make_key(root / "keys", "third"))]), secret)


def test_an_encrypted_key_opens_with_its_passphrase(root, bank, tmp_path) -> None:
    import asyncssh

    plain = asyncssh.read_private_key(str(root / "keys" / "gateway"))
    secrets = {
        "k": plain.export_private_key(passphrase="open sesame", rounds=16, ignore_few_rounds=True).decode(),
        "p": "open sesame\n",
        "wrong": "sesame",
    }
    agreed = bank("bank", private_key_secret="k", private_key_passphrase_secret="p")
    assert _opens(agreed, secrets.__getitem__)
    for name in ("wrong", None):
        with pytest.raises(ConfigError, match="OpenSSH private key"):
            _opens(agreed.model_copy(update={"private_key_passphrase_secret": name}), secrets.__getitem__)
    with pytest.raises(ValueError, match="passphrase belongs"):
        bank("bank", private_key_secret=None, password_secret="x", private_key_passphrase_secret="p")


# ---------------------------------------------------------------------------------------------- what is offered


@pytest.fixture
def out(root) -> Path:
    folder = root / "bank" / "out"
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    return folder


def test_a_file_that_still_grows_is_not_offered(out, bank, secret) -> None:
    (out / "whole.xml").write_bytes(b"whole")
    growing = (out / "growing.xml").open("wb")
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.01):
            growing.write(b"x" * 100)
            growing.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with TRANSPORT.connect(bank("bank", stable_s=0.2), secret) as remote:
            assert [file.name for file in remote.feedback()] == ["whole.xml"]
    finally:
        stop.set()
        writer.join()
        growing.close()
    with TRANSPORT.connect(bank("bank", stable_s=0.2), secret) as remote:
        assert [file.name for file in remote.feedback()] == ["growing.xml", "whole.xml"]


def test_a_marker_says_which_files_are_whole(out, bank, secret) -> None:
    for name in ("a.xml", "a.xml.ok", "b.xml", "c.xml.ok"):
        (out / name).write_bytes(b"x")
    with TRANSPORT.connect(bank("bank", whole="marker", marker_suffix=".ok"), secret) as remote:
        assert [file.name for file in remote.feedback()] == ["a.xml"]


def test_several_folders_and_an_archive(out, root, bank, secret) -> None:
    other = root / "bank" / "statements"
    for folder in (out, other, out / "done", other / "done"):
        folder.mkdir(exist_ok=True)
    (out / "a.xml").write_bytes(b"answer")
    (out / "done" / "a.xml").write_bytes(b"older")
    (other / "a.xml").write_bytes(b"statement")
    agreed = bank("bank", pick_up=["/statements"], archive="done", whole="renamed")
    with TRANSPORT.connect(agreed, secret) as remote:
        found = list(remote.feedback())
        assert [(file.name, file.folder) for file in found] == [("a.xml", "/out"), ("a.xml", "/statements")]
        assert len({file.version for file in found}) == 2
        assert [remote.fetch(file) for file in found] == [b"answer", b"statement"]
        (other / "a.xml").write_bytes(b"a newer statement")
        for file in found * 2:
            remote.archive(file)
        assert [(file.name, file.folder) for file in remote.feedback()] == [("a.xml", "/statements")]
    assert (out / "done" / "a.xml").read_bytes() == b"older"
    assert (out / "done" / f"a.xml.{found[0].version}").read_bytes() == b"answer"
    assert (other / "a.xml").read_bytes() == b"a newer statement"


def test_an_archive_that_is_refused_is_told(out, bank, secret) -> None:
    (out / "a.xml").write_bytes(b"answer")
    with TRANSPORT.connect(bank("bank", archive="nowhere", whole="renamed"), secret) as remote:
        (file,) = remote.feedback()
        with pytest.raises(OutsideError, match=r"put a\.xml aside"):
            remote.archive(file)
    assert (out / "a.xml").exists()
