"""A client's home, as AWS Transfer Family gives it over S3: what looks like folders are prefixes of an object store.

An upload is spooled and becomes an object when it is closed, also when the line broke: then the object is partial. There is
no append and no writing into an object; a rename is a copy and a delete. Clients write into `inbox/` and remove from both.
"""

from __future__ import annotations

import asyncio
import posixpath
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from urllib.parse import urlsplit

import asyncssh

from canonical.errors import Conflict, NotFound, OutsideError
from gateway.store import ObjectStore, StoredObject
from sandbox._homes import Home, file_attributes, folder_attributes, inside, refused

_FOLDERS = ("inbox", "outbox")


@dataclass(slots=True)
class _Spool:
    """An open file: the bytes of an object, or those that will be one. `key` is None for reading."""

    file: IO[bytes]
    key: str | None


class ClientHome(Home):
    """One session of one client."""

    def __init__(self, chan: Any, store: ObjectStore) -> None:
        super().__init__(chan)
        self._store = store
        parts = urlsplit(store.url)
        self._folder = Path(parts.path).resolve() if parts.scheme == "file" else None

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> _Spool:  # noqa: ARG002  no modes here
        """Open for reading, or for writing anew."""
        key = self._key(path)
        if not pflags & asyncssh.FXF_WRITE:
            return await self._open_to_read(key)
        if pflags & (asyncssh.FXF_APPEND | asyncssh.FXF_READ):
            raise asyncssh.SFTPOpUnsupported("appending and updating are not supported: upload the file anew")
        if not _is_in(key, ("inbox",)):
            raise refused("uploads outside inbox/", path)
        if (await self._head(key)) is not None:
            if pflags & asyncssh.FXF_EXCL:
                raise asyncssh.SFTPFailure(f"{key} exists")
            if not pflags & asyncssh.FXF_TRUNC:
                raise asyncssh.SFTPOpUnsupported("writing into an existing file is not supported: upload it anew")
        return _Spool(tempfile.NamedTemporaryFile(), key)

    async def _open_to_read(self, key: str) -> _Spool:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the SFTP handle
        try:
            await asyncio.to_thread(self._store.copy_to, key, file)
        except (NotFound, OutsideError) as fault:
            file.close()
            raise asyncssh.SFTPNoSuchFile(f"no such file: {key}") from fault
        return _Spool(file, None)

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        """Bytes of an open object."""
        file_obj.file.seek(offset)
        data: bytes = file_obj.file.read(size)
        return data

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        """Spool bytes."""
        if file_obj.key is None:
            raise asyncssh.SFTPPermissionDenied("the file is open for reading")
        file_obj.file.seek(offset)
        written: int = file_obj.file.write(data)
        return written

    async def close(self, file_obj: Any) -> None:
        """Store what was spooled. The server calls this for every open file when the line broke, too."""
        with file_obj.file:
            if file_obj.key is not None:
                file_obj.file.flush()
                await asyncio.to_thread(self._store.put, file_obj.key, Path(file_obj.file.name))

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Attributes of an object or of a prefix that has objects; the two folders always exist."""
        key = self._key(path)
        if key in ("", *_FOLDERS):
            return folder_attributes()
        found = await self._head(key)
        if found is not None:
            return file_attributes(found.size, found.modified.timestamp())
        if await self._below(key):
            return folder_attributes()
        raise asyncssh.SFTPNoSuchFile(f"no such file: {key}")

    lstat = stat

    def fstat(self, file_obj: Any) -> asyncssh.SFTPAttrs:
        """Attributes of an open file."""
        return file_attributes(file_obj.file.seek(0, 2), 0)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Names directly below a prefix."""
        key = self._key(path)
        base = f"{key}/" if key else ""
        objects = await self._below(key)
        if not objects and key not in ("", *_FOLDERS):
            raise asyncssh.SFTPNoSuchFile(f"no such folder: {key}")
        folders = set() if key else set(_FOLDERS)
        for found in objects:
            name, below, _ = found.key.removeprefix(base).partition("/")
            if below:
                folders.add(name)
            else:
                yield asyncssh.SFTPName(name.encode(), b"", file_attributes(found.size, found.modified.timestamp()))
        for name in (".", "..", *sorted(folders)):
            yield asyncssh.SFTPName(name.encode(), b"", folder_attributes())

    async def remove(self, path: bytes) -> None:
        """Delete an object of inbox/ or outbox/."""
        key = self._key(path)
        if not _is_in(key, _FOLDERS):
            raise refused("removing outside inbox/ and outbox/", path)
        found = await self._head(key)
        if found is None:
            raise asyncssh.SFTPNoSuchFile(f"no such file: {key}")
        await asyncio.to_thread(self._store.delete, key, found.version)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Accepted: a prefix needs no making, and is seen when something is in it."""

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Copy and delete; a taken name is refused."""
        await self._rename(self._key(oldpath), self._key(newpath), create=True)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """The same, over an existing object if need be, as OpenSSH's client asks for."""
        await self._rename(self._key(oldpath), self._key(newpath), create=False)

    async def _rename(self, old: str, new: str, *, create: bool) -> None:
        if not (_is_in(old, ("inbox",)) and _is_in(new, ("inbox",))):
            raise refused("renames outside inbox/", new.encode())
        found = await self._head(old)
        if found is None:
            raise asyncssh.SFTPNoSuchFile(f"no such file: {old}")
        with tempfile.NamedTemporaryFile() as file:
            await asyncio.to_thread(self._store.copy_to, old, cast("BinaryIO", file))
            file.flush()
            try:
                await asyncio.to_thread(self._store.put, new, Path(file.name), create=create)
            except Conflict as fault:
                raise asyncssh.SFTPFailure(f"{new} exists") from fault
        await asyncio.to_thread(self._store.delete, old, found.version)

    async def _head(self, key: str) -> StoredObject | None:
        try:
            return await asyncio.to_thread(self._store.head, key)
        except (OutsideError, ValueError):
            # A name the store cannot hold (or a folder of it) is a name that is not there.
            return None

    async def _below(self, key: str) -> list[StoredObject]:
        found = await asyncio.to_thread(lambda: list(self._store.list(key)))
        return [item for item in found if self._stays(item.key)]

    def _key(self, path: bytes) -> str:
        key = inside(path)
        if not self._stays(key):
            raise asyncssh.SFTPNoSuchFile(f"no such file: {key}")
        return key

    def _stays(self, key: str) -> bool:
        # Where the store is a local folder, a link that somebody put there could lead out of the home.
        return self._folder is None or (self._folder / key).resolve().is_relative_to(self._folder)


def _is_in(key: str, folders: tuple[str, ...]) -> bool:
    folder, name = posixpath.split(key)
    return bool(name) and folder in folders
