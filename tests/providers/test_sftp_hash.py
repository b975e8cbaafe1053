"""Where a server offers the check-file extension, the digest is compared before the release (paramiko's server has it)."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import paramiko.sftp_server
import pytest
from delivery_world import Log, S, SftpOptions, make_parcel

from canonical.errors import OutsideError
from providers.sftp import TRANSPORT
from sandbox.keys import make_key, public_key


class _Handle(paramiko.SFTPHandle):
    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Folder(paramiko.SFTPServerInterface):
    folder: Path

    def open(self, path: str, flags: int, attr: object) -> paramiko.SFTPHandle:
        file = os.fdopen(
            os.open(self.folder / path.lstrip("/"), flags, 0o644), "r+b" if flags & os.O_WRONLY else "rb", 0
        )
        handle = _Handle(flags)
        handle.readfile = handle.writefile = file
        return handle

    def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat((self.folder / path.lstrip("/")).lstat())
        except OSError as fault:
            return paramiko.SFTPServer.convert_errno(fault.errno)

    stat = lstat

    def rename(self, oldpath: str, newpath: str) -> int:
        (self.folder / oldpath.lstrip("/")).rename(self.folder / newpath.lstrip("/"))
        return paramiko.SFTP_OK


class _Everybody(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


@pytest.fixture
def options(tmp_path, monkeypatch) -> Iterator[SftpOptions]:
    # The server side of paramiko knows only the hashes of its time.
    monkeypatch.setitem(paramiko.sftp_server._hash_class, "sha256", hashlib.sha256)
    key = make_key(tmp_path / "keys", "server")
    folder = type("_ThisFolder", (_Folder,), {"folder": tmp_path / "bank"})
    (tmp_path / "bank").mkdir()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        link, _ = listener.accept()
        transport = paramiko.Transport(link)
        transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(key)))
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, folder)
        transport.start_server(server=_Everybody())
        transport.join(20)

    threading.Thread(target=answer, daemon=True).start()
    yield SftpOptions(
        host="127.0.0.1", port=listener.getsockname()[1], username="gateway", password_secret="pw",
        host_key=public_key(key), inbox="/", hash_offered=True, rename_atomic=True, timeout_s=10,
    )  # fmt: skip
    listener.close()


def test_the_same_digest_is_released(tmp_path, options) -> None:
    log = Log(tmp_path / "log.db")
    with TRANSPORT.connect(options, lambda _: "secret") as remote:
        remote.deliver(make_parcel(tmp_path), log)
    assert log.state is S.DELIVERED


def test_another_digest_is_not_released(tmp_path, options) -> None:
    log, parcel = Log(tmp_path / "log.db"), make_parcel(tmp_path)

    class Altering(Log):
        def begin_upload(self) -> int:
            attempt = super().begin_upload()
            # Between our own check and the upload the disk loses a bit; the size stays.
            parcel.path.write_bytes(parcel.path.read_bytes()[:-1] + b"!")
            return attempt

    log = Altering(tmp_path / "log.db")
    with TRANSPORT.connect(options, lambda _: "secret") as remote, pytest.raises(OutsideError, match="other bytes"):
        remote.deliver(parcel, log)
    assert log.state is S.UPLOADING
    assert [path.name for path in (tmp_path / "bank").iterdir()] == [".S0123456789abcdef012.1.part"]
