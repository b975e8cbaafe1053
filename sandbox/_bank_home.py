"""A bank's home: a local folder with `in/` and `out/`, real renames, and on request the faults that real banks have."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import asyncssh

from canonical.profiles import Model
from sandbox._homes import Home, file_attributes, folder_attributes, inside, refused


class BankWays(Model):
    """How a bank's server behaves.

    `rename`: in one step, or by copy and delete. `clear_temporaries_s`: dot and part files of `in/` older than this are
    removed when somebody logs in. `refuse`: requests answered with "permission denied". `quota_bytes`: most bytes of one
    file; what is over meets a full disk. `takes_at_once`: what gets its final name in `in/` lies in `taken/` in the same moment.
    """

    rename: Literal["atomic", "copy"] = "atomic"
    clear_temporaries_s: float | None = None
    refuse: frozenset[Literal["write", "rename"]] = frozenset()
    quota_bytes: int | None = None
    takes_at_once: bool = False


@dataclass(slots=True)
class _Open:
    file: IO[bytes]


class BankHome(Home):
    """One session of one bank user."""

    def __init__(self, chan: Any, folder: Path, ways: BankWays) -> None:
        super().__init__(chan)
        self._folder = folder.resolve()
        self._ways = ways
        for name in ("in", "out"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        if ways.clear_temporaries_s is not None:
            _clear_temporaries(self._folder / "in", ways.clear_temporaries_s)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> _Open:  # noqa: ARG002  modes are ours
        """Open a file as the flags say; a link is never followed."""
        writes = bool(pflags & asyncssh.FXF_WRITE)
        if writes and "write" in self._ways.refuse:
            raise refused("writing", path)
        flags = os.O_NOFOLLOW | (os.O_WRONLY if writes else os.O_RDONLY)
        if pflags & asyncssh.FXF_READ and writes:
            flags = os.O_NOFOLLOW | os.O_RDWR
        for asked, flag in (
            (asyncssh.FXF_APPEND, os.O_APPEND),
            (asyncssh.FXF_CREAT, os.O_CREAT),
            (asyncssh.FXF_TRUNC, os.O_TRUNC),
            (asyncssh.FXF_EXCL, os.O_EXCL),
        ):
            flags |= flag if pflags & asked else 0
        handle = os.open(self._at(path), flags, 0o644)
        return _Open(os.fdopen(handle, "r+b" if pflags & asyncssh.FXF_READ and writes else "wb" if writes else "rb", 0))

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        """Bytes of an open file."""
        return os.pread(file_obj.file.fileno(), size, offset)

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        """Write bytes, up to the quota."""
        quota = self._ways.quota_bytes
        if quota is not None and offset + len(data) > quota:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.pwrite(file_obj.file.fileno(), data, offset)

    def close(self, file_obj: Any) -> None:
        """Close an open file."""
        file_obj.file.close()

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Attributes of a file or folder of the home."""
        found = self._at(path).lstat()
        return asyncssh.SFTPAttrs.from_local(found)

    lstat = stat

    def fstat(self, file_obj: Any) -> asyncssh.SFTPAttrs:
        """Attributes of an open file."""
        found = os.fstat(file_obj.file.fileno())
        return file_attributes(found.st_size, found.st_mtime)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Names in a folder."""
        for name in (b".", b".."):
            yield asyncssh.SFTPName(name, b"", folder_attributes())
        with os.scandir(self._at(path)) as entries:
            for entry in entries:
                attributes = asyncssh.SFTPAttrs.from_local(entry.stat(follow_symlinks=False))
                yield asyncssh.SFTPName(os.fsencode(entry.name), b"", attributes)

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._at(path).unlink()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002  the base's signature
        """Refused: the folders of a bank are fixed."""
        raise refused("making folders", path)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename; a taken name is refused, as SFTP version 3 asks for and OpenSSH does."""
        if "rename" in self._ways.refuse:
            raise refused("renaming", newpath)
        old, new = self._at(oldpath), self._at(newpath)
        if new.exists():
            raise asyncssh.SFTPFailure(f"{new.name} exists")
        if self._ways.rename == "copy":
            shutil.copyfile(old, new)
            old.unlink()
        else:
            old.rename(new)
        if self._ways.takes_at_once and new.parent == self._folder / "in":
            (self._folder / "taken").mkdir(exist_ok=True)
            new.rename(self._folder / "taken" / new.name)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename over an existing file, as OpenSSH's extension does."""
        if "rename" in self._ways.refuse:
            raise refused("renaming", newpath)
        self._at(oldpath).replace(self._at(newpath))

    def _at(self, path: bytes) -> Path:
        # Resolving the parent shows where links planted in the home would lead; the last part is never followed.
        asked = self._folder / inside(path)
        parent = asked.parent.resolve() if asked != self._folder else self._folder
        if not parent.is_relative_to(self._folder):
            raise asyncssh.SFTPNoSuchFile("no such file")
        return parent / asked.name if asked != self._folder else self._folder


def _clear_temporaries(folder: Path, age_s: float) -> None:
    oldest = time.time() - age_s
    for path in folder.iterdir():
        if (path.name.startswith(".") or path.suffix == ".part") and path.lstat().st_mtime <= oldest:
            path.unlink(missing_ok=True)
