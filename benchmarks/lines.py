"""SFTP to OpenSSH's own sshd on this machine: our delivery beside the plain `sftp` client, of the same file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sshd import Sshd, sshd, sshd_program


def possible() -> bool:
    """Both programs are installed."""
    return sshd_program() is not None and shutil.which("sftp") is not None


@contextmanager
def bank(folder: Path) -> Iterator[Path]:
    """A running server; what reaches it stands in the file."""
    root = Path(tempfile.mkdtemp(dir=folder))
    with sshd(root) as server:
        facts = {"port": server.port, "host_key": server.host_key, "key": str(server.key), "folder": str(server.folder)}
        (root / "server.json").write_text(json.dumps(facts), encoding="utf-8")
        yield root / "server.json"


def make_file(path: Path, size: int) -> None:
    """A file of that many bytes that no line can pack."""
    with path.open("wb") as file:
        for _ in range(0, size, 2**20):
            file.write(os.urandom(2**20))


def _server(path: str) -> Sshd:
    facts = json.loads(Path(path).read_text(encoding="utf-8"))
    return Sshd(facts["port"], facts["host_key"], Path(facts["key"]), Path(facts["folder"]))


def plain(server_path: str, path: str) -> dict[str, Any]:
    """`sftp -b`, as anybody would put the file."""
    server = _server(server_path)
    known = server.folder.parent / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n", encoding="ascii")
    batch = f"put {path} {server.folder}/in/plain.part\nrename {server.folder}/in/plain.part {server.folder}/in/plain\n"
    command = [
        "sftp", "-q", "-b", "-", "-P", str(server.port), "-i", str(server.key), "-o", "IdentitiesOnly=yes",
        "-o", f"UserKnownHostsFile={known}", f"{server.username}@127.0.0.1",
    ]  # fmt: skip
    subprocess.run(command, input=batch, text=True, check=True, capture_output=True)
    return {"sha256": _digest(server.folder / "in/plain")}


def delivery(server_path: str, path: str) -> dict[str, Any]:
    """The whole protocol over a log that only remembers: digest of the local copy, upload, looks, rename."""
    from canonical.contracts import DeliveryState, Parcel
    from providers.sftp import TRANSPORT, SftpOptions

    class Log:
        state, attempt = DeliveryState.PREPARED, 0

        def begin_upload(self) -> int:
            self.state, self.attempt = DeliveryState.UPLOADING, self.attempt + 1
            return self.attempt

        def __getattr__(self, name: str) -> Any:
            states = {
                "uploaded": "UPLOADED",
                "begin_release": "RELEASING",
                "delivered": "DELIVERED",
                "unknown": "UNKNOWN",
            }

            def move(*_: Any) -> None:
                self.state = DeliveryState[states[name]]

            return move

    server, log = _server(server_path), Log()
    options = SftpOptions(
        host="127.0.0.1", port=server.port, username=server.username, private_key_secret="key", host_key=server.host_key,
        inbox=f"{server.folder}/in", rename_atomic=True,
    )  # fmt: skip
    file = Path(path)
    parcel = Parcel("S0000000000000000000", "ours", file, file.stat().st_size, _digest(file))
    with TRANSPORT.connect(options, lambda _: server.key.read_text(encoding="ascii")) as remote:
        remote.deliver(parcel, log)  # the moves that an SFTP delivery makes
    assert log.state is DeliveryState.DELIVERED
    return {"sha256": _digest(server.folder / "in/ours")}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
