"""The port of the object store, and what all its adapters do alike."""

from __future__ import annotations

import hashlib
import mmap
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import obstore
from obstore.exceptions import AlreadyExistsError

from canonical.errors import Conflict, NotFound, OutsideError, TransientError

_CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store knows of an object. `version` changes whenever it is written anew, also with the same bytes."""

    key: str
    size: int
    version: str
    modified: datetime


class ObjectStore(ABC):
    """Port. Faults of the store itself are `OutsideError` (or `TransientError` where listed); a missing key is `NotFound`."""

    url: str

    def __init__(self, url: str, store: Any) -> None:
        self.url = url.rstrip("/")
        self._store = store

    def put(self, key: str, data: bytes | Path, *, create: bool = False, given: bool = False) -> None:
        """Write an object whole or not at all; with `create`, only where none is.

        `given`: nobody writes into that file any more, so the store may have it as it is (a hard link) in place of a copy.

        Raises:
            Conflict: `create`, and there is one.
        """
        with _outside(key):
            try:
                self._write(key, data, create=create, given=given)
            except AlreadyExistsError as fault:
                raise Conflict(f"object {key} is there already") from fault
        self._make_durable(key)

    def get(self, key: str) -> bytes:
        """Bytes of an object. Raises NotFound."""
        with _outside(key):
            return bytes(obstore.get(self._store, key).bytes())

    def head(self, key: str) -> StoredObject | None:
        """What is known of it, None where there is none."""
        with _outside(key):
            try:
                return _stored(obstore.head(self._store, key))
            except FileNotFoundError:
                return None

    def folders(self, prefix: str) -> list[str]:
        """Names directly below a prefix that have objects below them, sorted."""
        with _outside(prefix):
            found = obstore.list_with_delimiter(self._store, prefix)["common_prefixes"]
        return sorted(str(item).rstrip("/").rpartition("/")[2] for item in found)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects below a prefix, in key order."""
        with _outside(prefix):
            found = [_stored(item) for page in obstore.list(self._store, prefix) for item in page]
        yield from sorted(found, key=lambda item: item.key)

    def copy_to(self, key: str, out: IO[bytes]) -> tuple[str, int]:
        """Stream an object into a file; its SHA-256 and size in bytes. Raises NotFound."""
        hasher, size = hashlib.sha256(), 0
        with _outside(key):
            for chunk in self._chunks(key):
                hasher.update(chunk)
                size += out.write(chunk)
        return hasher.hexdigest(), size

    def copy(self, key: str, to: str) -> None:
        """Have the object also under another key, where none is yet: a hard link, or a copy made by the bucket. Raises NotFound."""
        with _outside(key):
            self._copy(key, to)
        self._make_durable(to)

    @contextmanager
    def mapped(self, key: str) -> Iterator[bytes | mmap.mmap]:
        """The object as a read-only memory map (a spooled copy where the store is remote). Raises NotFound."""
        with self.local(key) as path, path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                yield view

    @abstractmethod
    def delete(self, key: str, version: str) -> bool:
        """Delete it if it is still that version; False where it was written anew (then it stays) or is gone."""

    def unfinished(self) -> Iterator[Path]:
        """Files that writes which were cut off left, outside the clients' homes. A bucket ends its own by its lifecycle."""
        yield from ()

    @abstractmethod
    def local(self, key: str) -> AbstractContextManager[Path]:
        """The object as a file to be read, while the block lasts: its own, or a copy where the store is remote. Raises NotFound."""

    def _write(self, key: str, data: bytes | Path, *, create: bool, given: bool) -> None:  # noqa: ARG002  a folder's
        obstore.put(self._store, key, data, mode="create" if create else "overwrite")

    def _chunks(self, key: str) -> Iterator[Any]:
        return iter(obstore.get(self._store, key).stream(min_chunk_size=_CHUNK_BYTES))

    @abstractmethod
    def _copy(self, key: str, to: str) -> None: ...

    @abstractmethod
    def _make_durable(self, key: str) -> None: ...


def _stored(meta: Any) -> StoredObject:
    # S3 gives the same e_tag to the same bytes: the time tells a second upload of them from the first.
    version = f"{meta['e_tag']} {meta['version'] or meta['last_modified'].isoformat()}"
    return StoredObject(meta["path"], meta["size"], version, meta["last_modified"])


@contextmanager
def _outside(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as fault:
        raise NotFound(f"no object {key}") from fault
    except PermissionError as fault:
        raise OutsideError(f"the object store refuses {key}: {fault}") from fault
    except obstore.exceptions.InvalidPathError as fault:
        raise OutsideError(f"a name below {key} cannot be used (a control character in it): {fault}") from fault
    except obstore.exceptions.GenericError as fault:
        words = str(fault)
        if any(sign in words for sign in ("error sending request", "timed out", "connection")):
            raise TransientError(f"the object store does not answer for {key}: {words[:300]}") from fault
        raise OutsideError(f"the object store failed on {key}: {words[:300]}") from fault
    except OSError as fault:
        raise OutsideError(f"the object store failed on {key}: {fault}") from fault
