"""No XML that anybody sends makes us read a file, call somebody, or blow up: every XML format, every known attack."""

from __future__ import annotations

import json
import re
import resource
import socket
from pathlib import Path

import pytest
from world import REPOSITORY

from gateway.intake.read_file import read_file

GOLDEN = sorted((REPOSITORY / "tests/parsers/golden").rglob("*.xml"))
CANARY = "the-canary-of-this-test"
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_DEEP = 100_000


def attacks(folder: Path, port: int) -> dict[str, str]:
    (folder / "canary").write_text(CANARY, encoding="ascii")
    return {
        "external entity": f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{folder}/canary">]>',
        "parameter entity": f'<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/p">%p;<!ENTITY x "y">]>',
        "external DTD": f'<!DOCTYPE d SYSTEM "http://127.0.0.1:{port}/d"[<!ENTITY x "y">]>',
        "billion laughs": f'<!DOCTYPE d [<!ENTITY l0 "{"ha" * 50}">{_LAUGHS}<!ENTITY x "&l9;">]>',
        "quadratic": f'<!DOCTYPE d [<!ENTITY x "{"a" * 100_000}">]>',
    }


def armed(text: str, doctype: str) -> str:
    """The message with a DTD in front and its entity in the first text or attribute."""
    declaration, root = re.match(r"\s*(<\?xml.*?\?>)?(.*)", text, re.DOTALL).groups()
    with_entity, count = re.subn(r">[A-Za-z0-9][^<]*<", ">&x;<", root, count=1)
    if not count:  # Bacs keeps its values in attributes
        with_entity, count = re.subn(r'="[A-Za-z0-9]', '="&x;', root, count=1)
    assert count == 1
    return f"{declaration or ''}{doctype}{with_entity}"


def test_there_are_messages_of_every_kind() -> None:
    kinds = {path.parent.name for path in GOLDEN}
    assert {"pain001", "pain008", "camt053", "camt054", "camt055", "pain002", "pain007", "pacs002", "pacs004"} <= kinds


@pytest.mark.parametrize("path", GOLDEN, ids=[f"{path.parent.name}-{path.stem}" for path in GOLDEN])
def test_no_dtd_is_followed(path: Path, tmp_path: Path) -> None:
    """Guard: a message with a DTD is refused before any of it is read (`xml-dtd`)."""
    text = path.read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        found = attacks(tmp_path, listener.getsockname()[1])
        assert found
        for name, doctype in found.items():
            evil = tmp_path / path.name
            evil.write_text(armed(text, doctype), encoding="utf-8")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            (told,) = read_file(evil, None, {})
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024, name
            assert told.exit_code == 2, name
            assert CANARY not in json.dumps(told.as_object(), default=str), name
            with pytest.raises(BlockingIOError):
                listener.accept()


@pytest.mark.parametrize("path", GOLDEN, ids=[f"{path.parent.name}-{path.stem}" for path in GOLDEN])
def test_no_depth_breaks_the_reader(path: Path, tmp_path: Path) -> None:
    """Guard: bounds on depth; a deep message is a finding, not a crash."""
    text = path.read_text(encoding="utf-8")
    evil = tmp_path / path.name
    head, _, end = text.rpartition("</")
    evil.write_text(f"{head}{'<a>' * _DEEP}{'</a>' * _DEEP}</{end}", encoding="utf-8")
    (told,) = read_file(evil, None, {})
    assert told.exit_code == 2
    assert not told.statements.height
