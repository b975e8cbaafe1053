"""OpenSSH's own sshd as a bank, for the user who runs the tests; skips where it is not installed."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.keys import make_key, public_key

_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {authorized}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
LogLevel ERROR
"""


@dataclass(frozen=True)
class Sshd:
    port: int
    host_key: str
    key: Path
    folder: Path

    @property
    def username(self) -> str:
        return getpass.getuser()


def sshd_program() -> str | None:
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def sshd(root: Path) -> Iterator[Sshd]:
    """The server on a port of this machine; `folder/in` and `folder/out` are the bank's."""
    program = sshd_program()
    if program is None:
        pytest.skip("OpenSSH's sshd is not installed here (Debian: openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(parents=True, exist_ok=True)  # it asks for its empty folder
    host, ours = make_key(root / "keys", "host"), make_key(root / "keys", "gateway")
    (root / "keys" / "authorized").write_text(f"{public_key(ours)}\n", encoding="ascii")
    for name in ("in", "out"):
        (root / "bank" / name).mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = _CONFIG.format(port=port, host_key=host, authorized=root / "keys" / "authorized")
    (root / "sshd_config").write_text(text, encoding="ascii")
    log = (root / "sshd.log").open("wb")
    server = subprocess.Popen([program, "-D", "-e", "-f", str(root / "sshd_config")], stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None:
                pytest.skip(f"sshd does not start here: {(root / 'sshd.log').read_text()[:200]}")
            time.sleep(0.02)
        yield Sshd(port, public_key(host), ours, root / "bank")
    finally:
        server.terminate()
        server.wait(10)
        log.close()
