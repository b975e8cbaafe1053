"""The SFTP transport against a real server: delivery, and every fault that others have taken for success."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from delivery_world import DATA, CutLine, Log, S, SftpOptions, make_parcel

from canonical.contracts import RemoteFile
from canonical.errors import ConfigError, OutcomeUnknown, OutsideError, TransientError
from providers._ways import temporary_name
from providers.sftp import TRANSPORT
from sandbox._bank_home import BankWays
from sandbox.keys import make_key, public_key
from sandbox.sftp import SftpSandbox, User

WAYS = {
    "bank": BankWays(),
    "copying": BankWays(rename="copy"),
    "read_only": BankWays(refuse={"write"}),
    "no_rename": BankWays(refuse={"rename"}),
    "full": BankWays(quota_bytes=40_000),
}
Options = Callable[..., SftpOptions]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("banks")


@pytest.fixture(scope="module")
def server(root) -> Iterator[SftpSandbox]:
    key = public_key(make_key(root / "keys", "gateway"))
    make_key(root / "keys", "stranger")
    users = [User(username=n, kind="bank", home=str(root / n), authorized_keys=key, ways=w) for n, w in WAYS.items()]
    with SftpSandbox(users, root / "keys" / "server") as sandbox:
        yield sandbox


@pytest.fixture
def options(server) -> Options:
    def make(username: str = "bank", **changes: Any) -> SftpOptions:
        values = {
            "host": "127.0.0.1", "port": server.port, "username": username, "private_key_secret": "gateway",
            "host_key": server.host_key, "inbox": "/in", "outbox": "/out", "rename_atomic": True,
            "temporaries_cleared": False, "timeout_s": 5, "stable_s": 0.05, **changes,
        }  # fmt: skip
        return SftpOptions.model_validate(values)

    return make


@pytest.fixture
def secret(root) -> Callable[[str], str]:
    return lambda name: (root / "keys" / name).read_text()


@pytest.fixture
def parcel(tmp_path):
    # An id and a name of its own for each test: the bank's folder is shared.
    return replace(make_parcel(tmp_path, f"{tmp_path.name}.xml"), submission_id=tmp_path.name)


@pytest.mark.parametrize("username", ["bank", "copying"])
@pytest.mark.parametrize("release", ["rename", "marker", "direct"])
def test_delivers(tmp_path, root, options, secret, parcel, username, release) -> None:
    log = Log(tmp_path / "log.db")
    with TRANSPORT.connect(options(username, release=release, rename_atomic=username == "bank"), secret) as remote:
        remote.deliver(parcel, log)
    assert log.state is S.DELIVERED, log.detail
    assert (root / username / "in" / parcel.name).read_bytes() == DATA
    assert (root / username / "in" / f"{parcel.name}.done").exists() is (release == "marker")


def test_an_empty_and_a_large_file_arrive_whole(tmp_path, root, options, secret) -> None:
    for number, data in enumerate((b"", os.urandom(5_000_001))):
        parcel = replace(make_parcel(tmp_path, f"size{number}.bin", data), submission_id=f"size{number}")
        with TRANSPORT.connect(options(), secret) as remote:
            remote.deliver(parcel, Log(tmp_path / f"log{number}.db"))
        assert (root / "bank" / "in" / parcel.name).read_bytes() == data


def test_permission_denied_on_upload_is_no_success(tmp_path, options, secret, parcel) -> None:
    log = Log(tmp_path / "log.db")
    with (
        TRANSPORT.connect(options("read_only"), secret) as remote,
        pytest.raises(OutsideError, match="not allowed") as fault,
    ):
        remote.deliver(parcel, log)
    assert not isinstance(fault.value, TransientError)
    assert log.state is S.UPLOADING


def test_permission_denied_on_rename_is_no_success(tmp_path, root, options, secret, parcel) -> None:
    log = Log(tmp_path / "log.db")
    for _ in range(2):
        with (
            TRANSPORT.connect(options("no_rename"), secret) as remote,
            pytest.raises(OutsideError, match="not allowed"),
        ):
            remote.deliver(parcel, log)
        assert log.state is S.RELEASING
    assert not (root / "no_rename" / "in" / parcel.name).exists()


def test_a_full_disk_is_no_success(tmp_path, root, options, secret, parcel) -> None:
    log = Log(tmp_path / "log.db")
    with TRANSPORT.connect(options("full"), secret) as remote, pytest.raises(OutsideError, match=r"No space|bytes"):
        remote.deliver(parcel, log)
    assert log.state is S.UPLOADING
    assert not (root / "full" / "in" / parcel.name).exists()


def test_a_missing_inbox_is_no_success(tmp_path, options, secret, parcel) -> None:
    log = Log(tmp_path / "log.db")
    with TRANSPORT.connect(options(inbox="/nowhere"), secret) as remote, pytest.raises(OutsideError, match="write"):
        remote.deliver(parcel, log)
    assert log.state is S.UPLOADING


@pytest.mark.parametrize("bytes_out", [6_000, 30_000, 60_000])
def test_a_line_cut_in_the_upload_is_transient_and_the_next_attempt_sends_the_whole_file(
    tmp_path, root, server, options, secret, parcel, bytes_out: int
) -> None:
    log, cut = Log(tmp_path / "log.db"), CutLine(server.port, bytes_out)
    with TRANSPORT.connect(options(port=cut.port), secret) as remote, pytest.raises(TransientError):
        remote.deliver(parcel, log)
    assert log.state is S.UPLOADING
    assert not (root / "bank" / "in" / parcel.name).exists()
    with TRANSPORT.connect(options(), secret) as remote:
        remote.deliver(parcel, log)
    assert (log.state, log.attempt) == (S.DELIVERED, 2)
    assert (root / "bank" / "in" / parcel.name).read_bytes() == DATA


def test_a_session_lost_before_the_rename_is_settled_by_the_next_one(tmp_path, root, options, secret, parcel) -> None:
    class Cutting(Log):
        def begin_release(self) -> None:
            super().begin_release()
            remote._sftp.get_channel().get_transport().close()

    log = Cutting(tmp_path / "log.db")
    with TRANSPORT.connect(options(), secret) as remote, pytest.raises(OutcomeUnknown):
        remote.deliver(parcel, log)
    assert log.state is S.RELEASING
    with TRANSPORT.connect(options(), secret) as remote:
        remote.deliver(parcel, Log(tmp_path / "log.db"))
    assert Log(tmp_path / "log.db").state is S.DELIVERED
    assert (root / "bank" / "in" / parcel.name).read_bytes() == DATA
    assert not (root / "bank" / "in" / temporary_name(parcel, 1)).exists()


def test_a_session_lost_before_a_copying_rename_is_unknown(tmp_path, options, secret, parcel) -> None:
    class Cutting(Log):
        def begin_release(self) -> None:
            super().begin_release()
            remote._sftp.get_channel().get_transport().close()

    log = Cutting(tmp_path / "log.db")
    with TRANSPORT.connect(options("copying", rename_atomic=False), secret) as remote:
        remote.deliver(parcel, log)
    assert log.state is S.UNKNOWN


# ---------------------------------------------------------------------------------------------- connecting


def _connect(options: SftpOptions, secret: Callable[[str], str]) -> None:
    with TRANSPORT.connect(options, secret):
        raise AssertionError("a session was opened")


def test_connection_refused_is_transient(options, secret) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransientError, match="refused"):
        _connect(options(port=port), secret)


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200, OutsideError), (b"SSH-2.0-x\r\n" + b"\xff" * 64, (OutsideError, TransientError)),
     (b"", (OutsideError, TransientError))],
)  # fmt: skip
def test_a_failed_handshake_is_no_success(options, secret, greeting: bytes, expected: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        link, _ = listener.accept()
        with link:
            link.sendall(greeting)
            link.settimeout(2)
            try:
                link.recv(1000)
            except OSError:
                return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with pytest.raises(expected):
        _connect(options(port=listener.getsockname()[1], timeout_s=1), secret)
    thread.join(5)
    listener.close()


def test_a_silent_server_does_not_hang_us(options, secret) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises((OutsideError, TransientError)):
        _connect(options(port=listener.getsockname()[1], timeout_s=0.5), secret)


def test_another_host_key_is_refused_before_the_login(root, options, secret) -> None:
    other = public_key(make_key(root / "keys", "other"))
    with pytest.raises(OutsideError, match="another host key"):
        _connect(options(host_key=other), secret)
    with pytest.raises(OutsideError, match="cannot open a session"):
        _connect(options(host_key="ecdsa-sha2-nistp256 AAAA"), secret)


@pytest.mark.parametrize("host_key", ["", " ", "ssh-ed25519", "ssh-nothing AAAA"])
def test_without_a_pinned_host_key_nothing_is_opened(options, secret, host_key: str) -> None:
    with pytest.raises(ConfigError, match="host key"):
        _connect(options(host_key=host_key), secret)


def test_a_refused_login_is_no_success(options, secret) -> None:
    for changes in ({"private_key_secret": "stranger"}, {"username": "nobody"}):
        with pytest.raises(OutsideError, match="refuses the login"):
            _connect(options(**changes), secret)
    with pytest.raises(OutsideError, match="refuses the login"):
        _connect(options(private_key_secret=None, password_secret="gateway"), secret)


def test_a_secret_that_is_no_key_is_a_configuration_fault(options) -> None:
    with pytest.raises(ConfigError, match="not an unencrypted OpenSSH private key"):
        _connect(options(), lambda _: "hunter2")


def test_exactly_one_secret_is_named(options) -> None:
    for changes in ({"password_secret": "x"}, {"private_key_secret": None}):
        with pytest.raises(ValueError, match="either private_key_secret or password_secret"):
            options(**changes)


# ---------------------------------------------------------------------------------------------- feedback


def test_feedback_is_listed_and_fetched(root, options, secret) -> None:
    out = root / "bank" / "out"
    large = os.urandom(300_000)
    with TRANSPORT.connect(options(), secret) as remote:
        assert list(remote.feedback()) == []
        for name, data in {"b.pain002.xml": large, "a.camt053.xml": b"", ".c.xml.part": b"x", "d.part": b"x"}.items():
            (out / name).write_bytes(data)
        (out / "folder").mkdir()
        found = list(remote.feedback())
        assert [file.name for file in found] == ["a.camt053.xml", "b.pain002.xml"]
        assert [remote.fetch(file) for file in found] == [b"", large]
        (out / "b.pain002.xml").write_bytes(large + b"more")
        with pytest.raises(TransientError, match="left for later"):
            remote.fetch(found[1])
        (out / "a.camt053.xml").unlink()
        with pytest.raises(OutsideError, match="read"):
            remote.fetch(found[0])
        with pytest.raises(OutsideError, match="plain file name"):
            remote.fetch(RemoteFile("../in/x", 1, ""))


def test_no_feedback_folder(options, secret) -> None:
    with TRANSPORT.connect(options(outbox="/nowhere"), secret) as remote, pytest.raises(OutsideError, match="list"):
        list(remote.feedback())
    with TRANSPORT.connect(options(outbox=None), secret) as remote:
        assert list(remote.feedback()) == []
