"""What a provider offers in its folders over SFTP: which files are whole, their bytes, and putting them aside."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from typing import Final, Literal

import paramiko
from pydantic import Field

from canonical.contracts import RemoteFile
from canonical.errors import OutsideError, TransientError
from canonical.profiles import Model
from providers._listing import check_plain, check_readable, check_settled, is_offered, version_of
from providers._sftp_session import answers

_MARKED: Final = "marker"


class OfferTerms(Model):
    """`outbox` and `pick_up`: folders that are looked into. `archive`: folder beside each to which kept files are moved.

    `whole`: how the provider says that a file is whole: "stable" (promises nothing: size and time are the same at two looks,
    `stable_s` apart), "renamed" (promises that names appear with whole files), "marker" (`{name}{marker_suffix}` beside it).
    """

    outbox: str | None = None
    pick_up: tuple[str, ...] = ()
    archive: str | None = None
    whole: Literal["stable", "renamed", "marker"] = "stable"
    stable_s: float = Field(default=1.0, gt=0)
    marker_suffix: str = Field(default=".done", min_length=1)

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders, the outbox first."""
        return (*((self.outbox,) if self.outbox is not None else ()), *self.pick_up)


class Offers:
    """The offers of one session."""

    def __init__(self, sftp: paramiko.SFTPClient, terms: OfferTerms) -> None:
        self._sftp, self._terms = sftp, terms

    def files(self) -> Iterator[RemoteFile]:
        """Whole files of all folders, folder by folder in name order."""
        seen = self._look()
        if seen and self._terms.whole == "stable":
            time.sleep(self._terms.stable_s)
            again = self._look()
            seen = {key: file for key, file in seen.items() if again.get(key) == file}
        if self._terms.whole == _MARKED:
            seen = {key: file for key, file in seen.items() if (key[0], f"{key[1]}{self._terms.marker_suffix}") in seen}
        yield from (seen[key] for key in sorted(seen))

    def fetch(self, file: RemoteFile) -> bytes:
        """Bytes of an offered file; it must be the same before, while and after it is read."""
        check_plain(file.name)
        check_readable(file.name, file.size)
        path = self._at(file)
        with answers(self._sftp, f"read {file.name}"):
            check_settled(file.name, file.version, self._version(file, self._sftp.lstat(path)))
            with self._sftp.open(path, "r") as source:
                source.prefetch(file.size)
                data = source.read(file.size + 1)
            after = self._sftp.lstat(path)
        check_settled(file.name, file.version, self._version(file, after))
        if len(data) != file.size:
            raise TransientError(f"{file.name}: {len(data)} of {file.size} bytes came; it is left for later")
        return data

    def archive(self, file: RemoteFile) -> None:
        """Move it, and its marker, into the archive beside it. What is gone is left alone; nothing is overwritten."""
        if self._terms.archive is None:
            return
        path = self._at(file)
        with answers(self._sftp, f"put {file.name} aside"):
            try:
                version = self._version(file, self._sftp.lstat(path))
            except FileNotFoundError:
                return  # an earlier run put it aside, or the provider took it back
            if version != file.version:
                return  # written anew: the next look offers it
            aside = f"{self._folder(file)}/{self._terms.archive}"
            self._sftp.rename(path, f"{aside}/{_free(self._sftp, aside, file)}")
            if self._terms.whole == _MARKED:
                self._sftp.remove(f"{path}{self._terms.marker_suffix}")

    def _look(self) -> dict[tuple[int, str], RemoteFile]:
        found = {}
        for number, folder in enumerate(self._terms.folders):
            with answers(self._sftp, f"list {folder}"):
                items = self._sftp.listdir_attr(folder)
            for item in items:
                # Servers in front of object stores may leave the mode out.
                is_file = item.st_mode is None or stat.S_ISREG(item.st_mode)
                if is_file and is_offered(item.filename):
                    file = RemoteFile(item.filename, item.st_size or 0, "", folder)
                    found[number, item.filename] = RemoteFile(file.name, file.size, self._version(file, item), folder)
        return found

    def _version(self, file: RemoteFile, attributes: paramiko.SFTPAttributes) -> str:
        version = version_of(attributes.st_size or 0, attributes.st_mtime or 0)
        return version if file.folder in {"", self._terms.outbox} else f"{file.folder[-60:]}:{version}"

    def _folder(self, file: RemoteFile) -> str:
        folder = file.folder or self._terms.outbox
        if folder is None:
            raise OutsideError("no outbox is named for this provider")
        return folder.rstrip("/")

    def _at(self, file: RemoteFile) -> str:
        return f"{self._folder(file)}/{file.name}"


def _free(sftp: paramiko.SFTPClient, folder: str, file: RemoteFile) -> str:
    """The file's name, or with its version where another of that name was put aside before."""
    try:
        sftp.lstat(f"{folder}/{file.name}")
    except FileNotFoundError:
        return file.name
    return f"{file.name}.{file.version.rpartition(':')[2]}"
