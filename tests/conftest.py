"""Shared fixtures: the sample files and schemas that stand beside the project, where they are."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import settings
from lxml import etree
from property_examples import EXAMPLES

# A busy machine is no fault of the code: what must be fast is measured in benchmarks/, as ratios.
settings.register_profile(
    "unhurried",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    max_examples=EXAMPLES,
)
settings.load_profile("unhurried")

_MEMORY = Path("/dev/shm")
_MEMORY_BYTES_MIN = 4 * 2**30
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES_MIN:
    # Every commit and object is flushed to its disk, which is slow and proves nothing here: a process
    # that is killed loses nothing that was written, only a machine that fails does.
    os.environ["TMPDIR"] = str(_MEMORY)
    tempfile.tempdir = None

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: begun last, one of them would keep a worker busy while the other has nothing left to do."""
    items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in ("crash", "airflow")))


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One row of the corpus manifest: a file nobody here wrote, and what is known of it."""

    path: Path
    format: str
    version: str
    validity: str
    transactions: int
    note: str

    @property
    def key(self) -> str:
        return str(self.path.relative_to(SHARED / "corpus"))


@lru_cache
def _manifest() -> tuple[CorpusFile, ...]:
    with (SHARED / "corpus" / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            CorpusFile(
                SHARED / "corpus" / row["path"], row["format"], row["version"], row["validity"],
                int(row["transactions"] or 0), row["note"],
            )
            for row in csv.DictReader(file)
        )  # fmt: skip


@pytest.fixture(scope="session")
def corpus() -> Callable[[str], list[CorpusFile]]:
    """Corpus files of one format; skips where the corpus is not beside the project."""
    if not (SHARED / "corpus" / "MANIFEST.csv").exists():
        pytest.skip("the corpus of sample files is not beside this project")

    def of(name: str) -> list[CorpusFile]:
        files = [file for file in _manifest() if file.format == name]
        assert files, f"the corpus has no {name} file"
        return files

    return of


@lru_cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


@pytest.fixture(scope="session")
def xsd() -> Callable[[str], etree.XMLSchema]:
    """ISO 20022 schema of a message, e.g. xsd("pain.001.001.09"); skips where the schemas are not beside the project."""
    if not (SHARED / "xsd").exists():
        pytest.skip("the ISO 20022 schemas are not beside this project")
    return lambda message: _schema(SHARED / "xsd" / f"{message}.xsd")
