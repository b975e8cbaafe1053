"""The object store in a folder."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore

from canonical.errors import NotFound
from gateway.store._port import ObjectStore

CLIENTS = "clients"
"""Prefix of the clients' homes, in which they write too."""
_TEMPORARY = re.compile("#[0-9]+$")
_READ_BYTES = 2**20
"""What is hashed and written on stays in the processor's cache."""


class LocalObjectStore(ObjectStore):
    """A folder. Objects are files; temporaries of obstore (`name#n`) are never listed."""

    def __init__(self, url: str) -> None:
        self._root = Path(urlsplit(url).path)
        self._root.mkdir(0o700, parents=True, exist_ok=True)  # payrolls lie in it: its owner's alone
        super().__init__(url, LocalStore(self._root, mkdir=True))

    def delete(self, key: str, version: str) -> bool:
        """As the port says: the file is renamed aside first, then looked at."""
        path = self._root / key
        aside = path.with_name(f".{path.name}.deleted-{os.getpid()}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        # What a client writes meanwhile under the name is another file.
        found = self.head(str(aside.relative_to(self._root)))
        if found is not None and found.version == version:
            aside.unlink()
            return True
        os.link(aside, path)
        aside.unlink()
        return False

    def unfinished(self) -> Iterator[Path]:
        """As the port says: temporaries of ours and of obstore."""
        ours = (folder for folder in sorted(self._root.iterdir()) if folder.is_dir() and folder.name != CLIENTS)
        for folder in ours:
            yield from sorted(path for path in folder.rglob("*#*") if _TEMPORARY.search(path.name) and path.is_file())

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """As the port says: nothing is copied."""
        path = self._root / key
        if not path.is_file():
            raise NotFound(f"no object {key}")
        yield path

    def _write(self, key: str, data: bytes | Path, *, create: bool, given: bool) -> None:
        if isinstance(data, bytes):
            super()._write(key, data, create=create, given=given)
            return
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}#{secrets.randbits(60)}")
        try:
            if not (given and _linked(data, aside)):
                shutil.copyfile(data, aside)  # by the system, with no byte in our memory
            if create:
                _link_new(aside, path)
            else:
                aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)

    def _chunks(self, key: str) -> Iterator[Any]:
        # obstore hands the bytes of a file over at a quarter of a gigabyte a second.
        with (self._root / key).open("rb", buffering=0) as file:
            while chunk := file.read(_READ_BYTES):
                yield chunk

    def _copy(self, key: str, to: str) -> None:
        target = self._root / to
        target.parent.mkdir(parents=True, exist_ok=True)
        # Objects are replaced whole, never written into: who links one keeps what it was.
        with suppress(FileExistsError):
            os.link(self._root / key, target)

    def _make_durable(self, key: str) -> None:
        path = self._root / key
        for target in (path, *[parent for parent in path.parents if parent.is_relative_to(self._root)]):
            handle = os.open(target, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _linked(data: Path, aside: Path) -> bool:
    """False where the system allows no link: the file lies on another disk, say."""
    try:
        os.link(data, aside)
    except OSError:
        return False
    return True


def _link_new(aside: Path, path: Path) -> None:
    # Only this says that the object is there: a file in the way of its folder is a fault like any other.
    try:
        os.link(aside, path)
    except FileExistsError as fault:
        raise AlreadyExistsError(str(path)) from fault
