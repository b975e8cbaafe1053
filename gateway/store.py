"""The object store: one small port, two adapters (local folder, S3), chosen by URL.

Keys are relative, with forward slashes. `create` is atomic in both: who comes second gets `Conflict`. Local objects are
fsynced before the call returns, because a registry commit may rest on them.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import secrets
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, S3Store

from canonical.errors import ConfigError, Conflict, NotFound, OutsideError, TransientError

CLIENTS = "clients"
"""Prefix of the clients' homes, in which they write too."""
_TEMPORARY = re.compile("#[0-9]+$")
_CHUNK_BYTES = 4 * 2**20
_READ_BYTES = 2**20
"""What is hashed and written on stays in the processor's cache."""


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


class S3ObjectStore(ObjectStore):
    """A bucket with a prefix. Endpoint, region and credentials come from the environment, as for every AWS client."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        options: dict[str, Any] = {}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            options = {"endpoint": endpoint, "client_options": {"allow_http": endpoint.startswith("http:")}}
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        super().__init__(url, S3Store(self._bucket, prefix=self._prefix or None, region=region, **options))

    def delete(self, key: str, version: str) -> bool:
        """As the port says: a conditional delete on the entity tag."""
        import boto3
        from botocore.exceptions import ClientError

        found = self.head(key)
        if found is None or found.version != version:
            return False
        full = f"{self._prefix}/{key}" if self._prefix else key
        try:
            # If-Match closes the gap between looking and deleting.
            boto3.client("s3").delete_object(Bucket=self._bucket, Key=full, IfMatch=version.partition(" ")[0])
        except ClientError as fault:
            if fault.response["Error"]["Code"] == "PreconditionFailed":
                return False
            raise OutsideError(f"S3 refused to delete {key}: {fault}") from fault
        return True

    def _copy(self, key: str, to: str) -> None:
        obstore.copy(self._store, key, to)

    def _make_durable(self, key: str) -> None:
        """S3 answers a put when it is durable."""

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """As the port says: a copy."""
        with tempfile.NamedTemporaryFile(prefix="bulkrail-") as file:
            self.copy_to(key, file)
            file.flush()
            yield Path(file.name)


def open_store(url: str) -> ObjectStore:
    """The adapter of a URL.

    Raises:
        ConfigError: the scheme is neither file nor s3.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return LocalObjectStore(url)
    if scheme == "s3":
        return S3ObjectStore(url)
    raise ConfigError(f"the object store URL must begin with file:// or s3://, not {scheme or 'nothing'}://")


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
