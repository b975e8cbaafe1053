"""Every plain file that a file holds: itself, or what gzip and zip pack in it, one in the other, under the caps of envelopes.

A client's payment file is one by agreement (`gateway.intake.envelopes.peel`); what a bank sends, and what somebody wants to look at, may
be an archive of many. Each is unpacked when it is asked for and gone when the next one is, so that a disk holds one at a time.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canonical.limits import ARCHIVE_FILES_MAX, ENVELOPE_LAYERS_MAX, FILE_BYTES_MAX
from canonical.profiles import DEFAULT_CLIENT
from gateway.intake.envelopes import (
    DAMAGED_ZIP,
    PACK_AGAIN,
    SEALED,
    TOO_DEEP,
    ZIP_FAULTS,
    Rejected,
    envelope_of_file,
    gunzip,
    is_wrapped,
    larger_unpacked,
    members_of,
    unzip_member,
    without_suffix,
)


@dataclass(frozen=True, slots=True)
class Held:
    """One file: `name` with those of the archives around it, and where its bytes lie, or why they cannot be had."""

    name: str
    path: Path | None
    fault: Rejected | None = None


def files_in(packed: Path, name: str, folder: Path, layers: int = 0) -> Iterator[Held]:
    """The plain files in archive order. The path of one is good until the next is asked for."""
    try:
        kind = envelope_of_file(packed, DEFAULT_CLIENT)
        if kind is None:
            yield Held(name, packed)
            return
        if layers == ENVELOPE_LAYERS_MAX:
            raise Rejected("envelope", TOO_DEEP, "Pack the file once.")  # noqa: TRY301  told as what else is wrong with it
        if kind == "pgp":
            raise Rejected("envelope", SEALED, "Open it where its key is, and look at the plain file.")  # noqa: TRY301
        out = folder / f"plain-{layers}"
        if kind == "gzip":
            with packed.open("rb") as file, out.open("wb") as plain:
                gunzip(file, plain, packed.stat().st_size)
            yield from files_in(out, without_suffix(name), folder, layers + 1)
            return
        yield from _zipped(packed, name, folder, layers)
    except Rejected as fault:
        yield Held(name, None, fault)


def unpacked(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """The plain files of what a provider sent, in archive order; of several, named by their place in it.

    Raises:
        Rejected: one of them cannot be had. What remains of an archive is used no more than half a file is.
    """
    if not is_wrapped(data, DEFAULT_CLIENT):
        return [(name, data)]
    found, size = list[tuple[str, bytes]](), 0
    with tempfile.TemporaryDirectory(prefix="bulkrail-envelope-") as folder:
        packed = Path(folder) / "packed"
        packed.write_bytes(data)
        for held in files_in(packed, name, Path(folder)):
            if held.path is None:
                raise held.fault or Rejected("envelope", DAMAGED_ZIP, PACK_AGAIN)
            size += held.path.stat().st_size
            if size > FILE_BYTES_MAX:
                raise Rejected("envelope", larger_unpacked("the files are"), "Send them apart.")
            found.append((held.name, held.path.read_bytes()))
    return found if len(found) > 1 else [(name, found[0][1])]


def _zipped(packed: Path, name: str, folder: Path, layers: int) -> Iterator[Held]:
    try:
        with zipfile.ZipFile(packed) as archive:
            members = members_of(archive)
    except ZIP_FAULTS as fault:
        raise Rejected("envelope", DAMAGED_ZIP, PACK_AGAIN) from fault
    if not members:
        raise Rejected("envelope", "The zip archive holds no file.", PACK_AGAIN)
    if len(members) > ARCHIVE_FILES_MAX:
        told = f"The zip archive holds {len(members)} files; at most {ARCHIVE_FILES_MAX} are read."
        raise Rejected("envelope", told, "Pack fewer files in one archive.")
    for member in members:
        inside = member.filename.replace("\\", "/").lstrip("/")
        out = folder / f"plain-{layers}"
        try:
            with zipfile.ZipFile(packed) as archive, out.open("wb") as plain:
                unzip_member(archive, member, plain)
        except Rejected as fault:
            yield Held(f"{name}/{inside}", None, fault)
            continue
        alone = len(members) == 1
        yield from files_in(out, inside.rpartition("/")[2] if alone else f"{name}/{inside}", folder, layers + 1)
