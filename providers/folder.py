"""A folder of this machine as a provider's drop, or as a client's outbox: the same protocol, durable on disk.

Options: `inbox` takes submissions, `outbox` offers feedback. Renames are `renameat2(RENAME_NOREPLACE)`: one step, never
over a file. (A hard link and an unlink would be two: a crash between them, with a bank that takes the file in the
meantime, would leave a whole temporary that looks unreleased.)
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from canonical.contracts import DeliveryLog, Parcel, RemoteFile, Sent
from canonical.errors import OutsideError
from providers._listing import check_plain, check_readable, check_settled, is_offered, version_of
from providers._release import carry, enquire, withdraw
from providers._ways import ReleaseTerms

_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1
_NOT_OFFERED: Final = {errno.ENOSYS, errno.EINVAL}


class FolderOptions(ReleaseTerms):
    """`inbox`, `outbox`: folders that exist. `rename_atomic` holds on local file systems; say false for network mounts."""

    inbox: Path
    outbox: Path | None = None
    rename_atomic: bool = True


class _FolderPlace:
    """Primitives of the protocol on a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, path: Path) -> None:
        with _refusals(f"write {name}"):
            with path.open("rb") as source, self._at(name).open("xb") as target:
                shutil.copyfileobj(source, target, 2**20)
                target.flush()
                os.fsync(target.fileno())
            _sync_folder(self._folder)

    def resume(self, left: str, name: str, path: Path) -> bool:  # noqa: ARG002  the protocol's
        return False  # comparing what is there costs as much as writing it again

    def size(self, name: str) -> int | None:
        with _refusals(f"look at {name}"):
            try:
                return self._at(name).lstat().st_size
            except FileNotFoundError:
                return None

    def sha256(self, name: str) -> str | None:
        with _refusals(f"read {name}"), self._at(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def rename(self, temporary: str, final: str) -> None:
        with _refusals(f"rename {temporary} to {final}"):
            _rename_to_free_name(self._at(temporary), self._at(final))
            _sync_folder(self._folder)

    def mark(self, name: str) -> None:
        with _refusals(f"write {name}"):
            self._at(name).touch(exist_ok=False)
            _sync_folder(self._folder)

    def _at(self, name: str) -> Path:
        check_plain(name)
        return self._folder / name


class FolderRemote:
    """One folder pair, as a provider. Keeps `canonical.contracts.Remote`."""

    def __init__(self, options: FolderOptions) -> None:
        self._options = options

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.carry`."""
        carry(_FolderPlace(self._options.inbox), parcel, log, self._options)

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.enquire`."""
        enquire(_FolderPlace(self._options.inbox), parcel, log, self._options)

    def withdraw(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.withdraw`."""
        withdraw(_FolderPlace(self._options.inbox), parcel, log, self._options)

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:  # noqa: ARG002  a folder is not asked
        """Whole files of the outbox, in name order."""
        outbox = self._options.outbox
        if outbox is None:
            return
        with _refusals(f"list {outbox.name}"):
            names = sorted(entry.name for entry in os.scandir(outbox) if entry.is_file(follow_symlinks=False))
        for name in filter(is_offered, names):
            stat = (outbox / name).lstat()
            yield RemoteFile(name, stat.st_size, version_of(stat.st_size, stat.st_mtime))

    def fetch(self, file: RemoteFile) -> bytes:
        """Bytes of an offered file.

        Raises:
            TransientError: it changed since it was listed, or while it was read.
            OutsideError: it is gone, too large, or may not be read.
        """
        check_plain(file.name)
        check_readable(file.name, file.size)
        if self._options.outbox is None:
            raise OutsideError("this folder has no outbox")
        path = self._options.outbox / file.name
        with _refusals(f"read {file.name}"):
            data = path.read_bytes()
            stat = path.lstat()
        check_settled(file.name, file.version, version_of(len(data), stat.st_mtime))
        check_settled(file.name, file.version, version_of(stat.st_size, stat.st_mtime))
        return data

    def archive(self, file: RemoteFile) -> None:
        """Nothing is put aside in a folder of this machine: whoever fills it empties it."""


class FolderTransport:
    """Plug-in. Options: `FolderOptions`."""

    name = "folder"
    options = FolderOptions

    @contextmanager
    def connect(self, options: FolderOptions, secret: Any) -> Iterator[FolderRemote]:  # noqa: ARG002  a folder has no secret
        """Open the folders.

        Raises:
            OutsideError: one of them does not exist.
        """
        for folder in (options.inbox, options.outbox):
            if folder is not None and not folder.is_dir():
                raise OutsideError(f"no folder {folder.name} at the provider")
        yield FolderRemote(options)


TRANSPORT = FolderTransport()


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    # No fault of a local file system is on the list of those that a repeat may mend.
    try:
        yield
    except OSError as fault:
        raise OutsideError(f"cannot {what}: {fault.strerror or fault}") from fault


def _rename_to_free_name(source: Path, target: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        if rename(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _NOT_OFFERED:
            raise OSError(code, os.strerror(code), str(target))
    # Not Linux, or a file system without the flag: final names are unique to a submission, so looking first will do.
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
