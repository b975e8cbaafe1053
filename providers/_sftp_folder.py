"""The primitives of the submission protocol in one remote folder over SFTP, and carrying on a broken upload."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import paramiko

from canonical.errors import OutsideError
from providers._listing import check_plain
from providers._sftp_session import answers

CHUNK_BYTES: Final = 2**15
"""Every SFTP server must take writes of this size."""
_READ_BYTES: Final = 2**20


class SftpFolder:
    """`providers._ways.Place` over a session."""

    def __init__(self, sftp: paramiko.SFTPClient, folder: str, *, hash_offered: bool) -> None:
        self._sftp = sftp
        self._folder = folder
        self._hash_offered = hash_offered

    def put(self, name: str, path: Path) -> None:
        with answers(self._sftp, f"write {name}"), self._sftp.open(self._at(name), "wx") as target:
            self._write(target, name, path, 0)

    def resume(self, left: str, name: str, path: Path) -> bool:
        """The rest of an upload that broke: what is there is compared first, and then takes this attempt's name.

        A worker of the earlier attempt that wakes writes the same bytes to the same places, whatever the file is called.
        """
        there = self.size(left)
        if not there or there > path.stat().st_size or not self._begins_with(left, path, there):
            return False
        try:
            self.rename(left, name)
        except OutsideError:
            return False  # taken meanwhile, or the server renames no open file: the whole file is sent
        with answers(self._sftp, f"write on {name}"), self._sftp.open(self._at(name), "r+") as target:
            target.seek(there)
            self._write(target, name, path, there)
        return True

    def size(self, name: str) -> int | None:
        with answers(self._sftp, f"look at {name}"):
            try:
                return self._sftp.lstat(self._at(name)).st_size
            except FileNotFoundError:
                return None

    def sha256(self, name: str) -> str | None:
        if not self._hash_offered:
            return None
        with answers(self._sftp, f"hash {name}"), self._sftp.open(self._at(name), "r") as file:
            return file.check("sha256").hex()

    def rename(self, temporary: str, final: str) -> None:
        with answers(self._sftp, f"rename {temporary} to {final}"):
            self._sftp.rename(self._at(temporary), self._at(final))

    def mark(self, name: str) -> None:
        with answers(self._sftp, f"write {name}"):
            self._sftp.open(self._at(name), "wx").close()

    def _write(self, target: Any, name: str, path: Path, start: int) -> None:
        with path.open("rb") as source:
            source.seek(start)
            target.set_pipelined(pipelined=True)
            while chunk := source.read(CHUNK_BYTES):
                target.write(chunk)
            # paramiko forgets a refused close. Asked before it, the server has answered every write.
            written, sent = target.stat().st_size, source.tell()
        if written != sent:
            raise OutsideError(f"the server kept {written} of {sent} bytes of {name}")

    def _begins_with(self, name: str, path: Path, size: int) -> bool:
        """True where the remote file is the first `size` bytes of the local one: by digest where offered, else read back."""
        with (
            path.open("rb") as ours,
            answers(self._sftp, f"compare {name}"),
            self._sftp.open(self._at(name), "r") as theirs,
        ):
            if self._hash_offered:
                digest = hashlib.sha256()
                for _ in range(0, size, _READ_BYTES):
                    digest.update(ours.read(min(_READ_BYTES, size - ours.tell())))
                return theirs.check("sha256", 0, size) == digest.digest()
            theirs.prefetch(size)
            while part := theirs.read(min(_READ_BYTES, size - ours.tell())):
                if part != ours.read(len(part)):
                    return False
            return ours.tell() == size

    def _at(self, name: str) -> str:
        check_plain(name)
        return f"{self._folder.rstrip('/')}/{name}"
