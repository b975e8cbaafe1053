"""A workbook (ECMA-376, Office Open XML): its sheets, shared texts and date styles.

Read from the XML and not by a spreadsheet library: those give numbers as binary floating point, and text is money here.
"""

from __future__ import annotations

import io
import mmap
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from canonical.limits import WORKBOOK_PARTS_MAX
from parsers._xlsx_xml import Reader, TextReader, Unreadable, View, read_whole

_BUILTIN_DATES: Final = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
"""Number formats that ECMA-376 (18.8.30) gives as dates and times without writing them into the file."""
_NOT_OF_FORMAT: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet by the name its tab shows."""

    name: str
    part: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook. `dates`: numbers of the cell styles that show dates; `from_1904`: days count from 1904.

    `blank_texts`: numbers of the shared texts that are nothing but blanks.
    """

    archive: zipfile.ZipFile
    sheets: tuple[Sheet, ...]
    texts: list[str]
    dates: frozenset[str]
    from_1904: bool
    blank_texts: tuple[str, ...]


def open_book(data: bytes | mmap.mmap) -> Book:
    """Everything but the rows.

    Raises:
        Unreadable: it is no workbook, damaged, locked, or larger than the bounds.
    """
    try:
        archive = zipfile.ZipFile(io.BufferedReader(View(data)))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as fault:
        raise Unreadable("The workbook is damaged or incomplete") from fault
    names = archive.namelist()
    if len(names) > WORKBOOK_PARTS_MAX:
        raise Unreadable(f"The workbook has more than {WORKBOOK_PARTS_MAX} parts")
    target = next((path for kind, path, _ in _relations(archive, "") if kind == "officeDocument"), None)
    if target is None or target not in names:
        raise Unreadable("The file is a zip archive and no workbook")
    related = list(_relations(archive, target))
    sheets, from_1904 = _sheets(archive, target, {key: path for _, path, key in related})
    styles = next((path for kind, path, _ in related if kind == "styles" and path in names), None)
    texts = next((path for kind, path, _ in related if kind == "sharedStrings" and path in names), None)
    shared = _texts(archive, texts) if texts else []
    blank = tuple(str(at) for at, text in enumerate(shared) if not text.strip())
    return Book(archive, sheets, shared, _dates(archive, styles) if styles else frozenset(), from_1904, blank)


def _nothing(*_: object) -> None:
    """What is not looked at."""


def _relations(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, str, str]]:
    """Kind, part and id of what a part refers to inside the archive."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in archive.namelist():
        return
    found: list[dict[str, str]] = []
    read_whole(
        archive,
        path,
        Reader(lambda name, known: found.append(known) if name.endswith(" Relationship") else None, _nothing),
    )
    for known in found:
        if known.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, known.get("Target", ""))).lstrip("/")
            yield known.get("Type", "").rpartition("/")[2], target, known.get("Id", "")


def _sheets(archive: zipfile.ZipFile, part: str, related: dict[str, str]) -> tuple[tuple[Sheet, ...], bool]:
    found: list[Sheet] = []
    flags = {"1904": False}

    def start(name: str, known: dict[str, str]) -> None:
        if name == "sheet":
            key = next((value for key, value in known.items() if key.endswith(" id")), "")
            hidden = known.get("state", "visible") != "visible"
            found.append(Sheet(known.get("name", ""), related.get(key, ""), hidden))
        elif name == "workbookPr":
            flags["1904"] = known.get("date1904") in {"1", "true"}

    read_whole(archive, part, Reader(start, _nothing))
    # Charts and macro sheets are no tables.
    return tuple(sheet for sheet in found if "/worksheets/" in f"/{sheet.part}"), flags["1904"]


def _texts(archive: zipfile.ZipFile, part: str) -> list[str]:
    reader = TextReader()
    read_whole(archive, part, reader)
    return reader.texts


def _dates(archive: zipfile.ZipFile, part: str) -> frozenset[str]:
    """Numbers of the cell styles whose format shows a date or a time."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    inside = {"cellXfs": False}

    def start(name: str, known: dict[str, str]) -> None:
        if name == "numFmt":
            formats[known.get("numFmtId", "")] = known.get("formatCode", "")
        elif name == "cellXfs":
            inside["cellXfs"] = True
        elif name == "xf" and inside["cellXfs"]:
            styles.append(known.get("numFmtId", "0"))

    def end(name: str) -> None:
        if name == "cellXfs":
            inside["cellXfs"] = False

    read_whole(archive, part, Reader(start, end))
    return frozenset(str(at) for at, key in enumerate(styles) if _shows_date(key, formats.get(key)))


def _shows_date(key: str, code: str | None) -> bool:
    if code is None:
        return key.isdecimal() and int(key) in _BUILTIN_DATES
    bare = _NOT_OF_FORMAT.sub("", code.split(";")[0]).lower()
    return any(sign in bare for sign in "ymd") and "general" not in bare
