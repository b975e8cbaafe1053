"""Envelopes around a client's file: gzip, zip and OpenPGP, one in the other, peeled off under caps.

Pure but for the files it is given: the packed bytes come in, the plain bytes go to a file. What is wrong with an envelope is
the client's fault and becomes one FATAL finding; a bomb is stopped at a byte and a ratio cap before it is written.
"""

from __future__ import annotations

import gzip
import mmap
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol

from canonical.counts import count_of
from canonical.limits import ENVELOPE_FREE_BYTES, ENVELOPE_LAYERS_MAX, ENVELOPE_RATIO_MAX, FILE_BYTES_MAX
from canonical.profiles import ClientProfile

_CHUNK_BYTES: Final = 2**20
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""The first member's header, or the end of an archive that has none."""
_PGP_ARMOR: Final = b"-----BEGIN PGP"
_TEXT_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_LITTER: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_SUFFIXES: Final = (".gz", ".gzip", ".zip", ".pgp", ".gpg", ".asc")


ENVELOPE_RULES: Final = ("envelope", "pgp-key", "pgp-required", "pgp-signature")
"""Rules of the findings that a `Rejected` becomes."""


class Rejected(Exception):
    """The envelope cannot be opened: rule, ISO reason, message and remedy of the finding. Never leaves the gateway."""

    def __init__(self, rule: str, message: str, remedy: str, reason: str = "FF01") -> None:
        super().__init__(message)
        self.rule, self.reason, self.message, self.remedy = rule, reason, message, remedy


class Keyring(Protocol):
    """Opens OpenPGP envelopes (`gateway.intake.pgp`)."""

    def open(self, packed: Path, out: Path) -> None:
        """Decrypt and verify. Raises Rejected."""
        ...


@dataclass(frozen=True, slots=True)
class Peeled:
    """`name` without the envelopes' suffixes, `path` of the plain bytes, `layers` from the outermost."""

    name: str
    path: Path
    layers: tuple[str, ...]


def envelope_of(head: bytes, names: Callable[[], list[str]], client: ClientProfile) -> str | None:
    """gzip, zip or pgp, None for a file that is none; a workbook is a zip and no envelope. `names`: the zip's members."""
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZIP):
        return None if "[Content_Types].xml" in names() else "zip"
    if head.lstrip()[:14] == _PGP_ARMOR:
        return "pgp"
    # Binary OpenPGP begins with a packet tag, which has the highest bit set; text of a payment file does not.
    binary = bool(head) and head[0] >= 0x80 and not head.startswith(_TEXT_MARKS)  # noqa: PLR2004
    return "pgp" if binary and client.pgp is not None else None


def is_wrapped(data: bytes | mmap.mmap, client: ClientProfile) -> bool:
    """True when the bytes are an envelope."""
    return envelope_of(bytes(data[:64]), lambda: _members_of(data), client) is not None


def peel(packed: Path, name: str, client: ClientProfile, keyring: Keyring | None, folder: Path) -> Peeled:
    """Open every envelope; the plain bytes lie in `folder` (or are `packed` itself).

    Raises:
        Rejected: not agreed, broken, forged, too large, or not exactly one file in it.
    """
    path = packed
    layers: list[str] = []
    while (kind := envelope_of_file(path, client)) is not None:
        if len(layers) == ENVELOPE_LAYERS_MAX:
            raise Rejected("envelope", TOO_DEEP, _ONCE)
        out = folder / f"plain-{len(layers)}"
        name = _open(kind, path, name, out, client, keyring)
        layers.append(kind)
        path = out
    if client.pgp is not None and client.pgp.required and keyring is not None and "pgp" not in layers:
        raise Rejected("pgp-required", "The file is not encrypted and signed, which was agreed.", _SIGN, "DS0H")
    return Peeled(name, path, tuple(layers))


_ONCE: Final = "Pack the file once, as was agreed."
_SIGN: Final = "Encrypt it for us and sign it with your agreed key."
TOO_DEEP: Final = f"There are more than {ENVELOPE_LAYERS_MAX} envelopes, one in the other."
SEALED: Final = "An OpenPGP message can only be opened by whom it is for."
DAMAGED_ZIP: Final = "The zip archive is damaged or incomplete."
ZIP_FAULTS: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
PACK_AGAIN: Final = "Pack it again and send it again; check that the upload finished."


def _open(kind: str, path: Path, name: str, out: Path, client: ClientProfile, keyring: Keyring | None) -> str:
    if kind == "pgp":
        if client.pgp is None:
            raise Rejected("envelope", "The file is an OpenPGP message, which was not agreed.", "Send it as agreed.")
        if keyring is None:
            raise Rejected("envelope", SEALED, "Check the plain file.")
        keyring.open(path, out)
        return without_suffix(name)
    if kind not in client.envelopes:
        raise Rejected("envelope", f"The file is packed by {kind}, which was not agreed.", "Send it as agreed.")
    with path.open("rb") as file, out.open("wb") as plain:
        if kind == "zip":
            return _unzip(file, plain)
        gunzip(file, plain, path.stat().st_size)
    return without_suffix(name)


def envelope_of_file(path: Path, client: ClientProfile) -> str | None:
    """`envelope_of` a file. Raises Rejected: a damaged zip."""
    with path.open("rb") as file:
        head = file.read(64)

        def names() -> list[str]:
            with zipfile.ZipFile(path) as archive:
                return archive.namelist()

        try:
            return envelope_of(head, names, client)
        except (zipfile.BadZipFile, NotImplementedError) as fault:
            raise Rejected("envelope", DAMAGED_ZIP, PACK_AGAIN) from fault


def _members_of(data: bytes | mmap.mmap) -> list[str]:
    # The first member's name stands behind the local header's 30 bytes; a workbook begins with its content types.
    length = int.from_bytes(data[26:28], "little")
    return [bytes(data[30 : 30 + length]).decode("utf-8", "replace")]


def gunzip(file: IO[bytes], plain: IO[bytes], packed_bytes: int) -> None:
    """Write what gzip packed. Raises Rejected: damaged, or more than the caps allow."""
    try:
        with gzip.open(file) as content:
            _write(iter(lambda: content.read(_CHUNK_BYTES), b""), plain, packed_bytes)
    except EOFError as fault:
        raise Rejected("envelope", "The gzip data ends too early.", PACK_AGAIN, "TD03") from fault
    except (gzip.BadGzipFile, zlib.error) as fault:
        raise Rejected("envelope", "The gzip data is damaged.", PACK_AGAIN) from fault


def _unzip(file: IO[bytes], plain: IO[bytes]) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            members = members_of(archive)
            if len(members) != 1:
                message = f"The zip archive holds {count_of(len(members), 'file')}; one is expected."
                raise Rejected("envelope", message, "Send each payment file by itself.")
            unzip_member(archive, members[0], plain)
            return PurePosixPath(members[0].filename.replace("\\", "/")).name
    except ZIP_FAULTS as fault:
        raise Rejected("envelope", DAMAGED_ZIP, PACK_AGAIN) from fault


def members_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of an archive, without what file managers leave in it."""
    return [item for item in archive.infolist() if not item.is_dir() and not _litter(item.filename)]


def unzip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, plain: IO[bytes]) -> None:
    """Write one file of an archive. Raises Rejected: locked, damaged, or more than the caps allow."""
    if member.flag_bits & 1:
        raise Rejected("envelope", "The zip archive is locked by a password.", "Send it without a password.")
    try:
        with archive.open(member) as content:
            _write(iter(lambda: content.read(_CHUNK_BYTES), b""), plain, member.compress_size)
    except ZIP_FAULTS as fault:
        raise Rejected("envelope", DAMAGED_ZIP, PACK_AGAIN) from fault


def _litter(name: str) -> bool:
    return any(mark in name for mark in _LITTER)


def larger_unpacked(what: str) -> str:
    """That `what` ("the file is") unpacks to more than is read."""
    return f"Unpacked, {what} larger than {FILE_BYTES_MAX // 2**30} GiB."


def _write(chunks: Iterator[bytes], plain: IO[bytes], packed_bytes: int) -> None:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > FILE_BYTES_MAX:
            raise Rejected("envelope", larger_unpacked("the file is"), "Split it.")
        if size > ENVELOPE_FREE_BYTES and size > packed_bytes * ENVELOPE_RATIO_MAX:
            message = f"The file unpacks to more than {ENVELOPE_RATIO_MAX} times its size, as no payment file does."
            raise Rejected("envelope", message, "Send it unpacked.")
        plain.write(chunk)


def without_suffix(name: str) -> str:
    """The name without the last suffix, where that names an envelope."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in _SUFFIXES else name
