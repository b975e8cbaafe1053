"""What both kinds of SFTP homes share: paths that cannot leave the home, and requests nobody here may make."""

from __future__ import annotations

import posixpath
import stat
import time
from typing import NoReturn

import asyncssh

FOLDER_MODE = stat.S_IFDIR | 0o755
FILE_MODE = stat.S_IFREG | 0o644


class Home(asyncssh.SFTPServer):
    """Base of a home. Whatever is not defined below or in a subclass is refused, not passed to the file system."""

    def realpath(self, path: bytes) -> bytes:
        """Absolute name inside the home; `..` stops at its top."""
        return b"/" + inside(path).encode()

    def readlink(self, path: bytes) -> bytes:
        """Refused: a home has no links."""
        raise refused("links", path)

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002  the base's signature
        """Refused: a link could lead out of the home."""
        raise refused("links", newpath)

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002  the base's signature
        """Refused: a link could lead out of the home."""
        raise refused("links", newpath)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Accepted and ignored: clients set times and modes after an upload, and object stores keep neither."""

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """As `setstat`."""

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """As `setstat`."""

    def statvfs(self, path: bytes) -> NoReturn:
        """Refused."""
        raise refused("file system figures", path)

    def fstatvfs(self, file_obj: object) -> NoReturn:  # noqa: ARG002  the base's signature
        """Refused."""
        raise refused("file system figures", b"")

    def rmdir(self, path: bytes) -> None:
        """Refused: the folders of a home are fixed."""
        raise refused("removing folders", path)


def inside(path: bytes) -> str:
    """Path relative to the home, "" for the home itself. Anything that climbs above it stops at its top."""
    try:
        text = path.decode()
    except UnicodeDecodeError as fault:
        raise asyncssh.SFTPNoSuchFile("file names are UTF-8 here") from fault
    if "\0" in text:
        raise asyncssh.SFTPNoSuchFile("no such file")
    return posixpath.normpath(posixpath.join("/", text)).lstrip("/")


def refused(what: str, path: bytes) -> asyncssh.SFTPError:
    """The answer to a request that is not allowed here."""
    return asyncssh.SFTPPermissionDenied(f"{what}: not allowed here ({path.decode(errors='replace')})")


def folder_attributes() -> asyncssh.SFTPAttrs:
    """Attributes of a folder that exists by convention."""
    return asyncssh.SFTPAttrs(size=0, uid=0, gid=0, permissions=FOLDER_MODE, atime=0, mtime=int(time.time()))


def file_attributes(size: int, modified: float) -> asyncssh.SFTPAttrs:
    """Attributes of a file; `modified` in seconds since 1970."""
    return asyncssh.SFTPAttrs(size=size, uid=0, gid=0, permissions=FILE_MODE, atime=int(modified), mtime=int(modified))
