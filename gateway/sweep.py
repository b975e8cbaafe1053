"""Sweep: take away what attempts that died left behind, where no row of the registry names it and none ever will.

Three kinds: objects of the lake without a manifest, files of the object store's folder that were not written to their end, and
temporary files of ours. Only what has lain untouched for `SWEEP_AGE_S_MIN` or longer is looked at: an attempt commits within
`ATTEMPT_S_MAX`, which is less, so nothing of an attempt that may still commit is ever taken. Clients' homes, archives, feedback,
submissions and reports are left alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from canonical.errors import ConfigError
from canonical.limits import SWEEP_AGE_S_MIN
from gateway.composition import Gateway
from gateway.lake import LAKE
from gateway.registry import tables as t

TEMPORARY_PREFIX: Final = "bulkrail-"
"""How the names of our temporary files begin (a test holds it): only those are ours to take."""


@dataclass(frozen=True, slots=True)
class Litter:
    """One thing that nothing names. `version`: the object's, None of a file; `size` in bytes."""

    name: str
    size: int
    modified: datetime
    version: str | None = None


def litter(gateway: Gateway, age_s: int = SWEEP_AGE_S_MIN) -> list[Litter]:
    """What a sweep would take away, each kind in order of names.

    Raises:
        ConfigError: `age_s` is less than SWEEP_AGE_S_MIN.
    """
    if age_s < SWEEP_AGE_S_MIN:
        raise ConfigError(
            f"what is younger than {SWEEP_AGE_S_MIN // 3600} hours may belong to an attempt that still works"
        )
    before = gateway.clock() - timedelta(seconds=age_s)
    found = chain(_objects(gateway), _files(gateway.store.unfinished()), _files(_temporaries(), os.getuid()))
    return [item for item in found if item.modified < before]


def sweep(gateway: Gateway, found: Sequence[Litter], by: str) -> int:
    """Take it away, and say so in the audit trail; how many things were still there. May be repeated, and run by two at once."""
    taken = [item for item in found if _taken(gateway, item)]
    if taken:
        with gateway.registry.transaction() as connection:
            size = sum(item.size for item in taken)
            gateway.registry.audit(connection, by, "swept", LAKE, things=len(taken), bytes=size)
    return len(taken)


def _objects(gateway: Gateway) -> list[Litter]:
    # Listed before the manifests are read: what is committed meanwhile is named then.
    there = list(gateway.store.list(LAKE))
    named = {row["key"] for row in gateway.registry.rows(t.MANIFESTS)}
    return [Litter(item.key, item.size, item.modified, item.version) for item in there if item.key not in named]


def _temporaries() -> Iterator[Path]:
    found = sorted(Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*"))
    return (path for path in found if not path.is_symlink())


def _files(paths: Iterator[Path], owner: int | None = None) -> Iterator[Litter]:
    """Files and folders (of one owner); one is as old as the newest of what is in it, and what goes meanwhile is in use."""
    for path in paths:
        try:
            known = [item.lstat() for item in (path, *(path.rglob("*") if path.is_dir() else ()))]
        except FileNotFoundError:
            continue
        if owner in {None, known[0].st_uid}:
            newest = max(item.st_mtime for item in known)
            yield Litter(str(path), sum(item.st_size for item in known), datetime.fromtimestamp(newest, UTC))


def _taken(gateway: Gateway, item: Litter) -> bool:
    if item.version is not None:
        return gateway.store.delete(item.name, item.version)
    path = Path(item.name)
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except FileNotFoundError:  # gone meanwhile
        return False
    return True
