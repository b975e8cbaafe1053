"""The operator's modulus weight table and sorting code substitutions, in the layout in which they are published.

Neither is part of this product: both change several times a year, and whoever runs the gateway fetches them where they
are published. Their places are in the environment: `BULKRAIL_MODULUS_WEIGHTS` and `BULKRAIL_MODULUS_SUBSTITUTIONS`.

Source: Vocalink, Validating account numbers: UK modulus checking, 2.2.2 (SCSUBTAB.txt) and 2.3.2 (VALACDOS.txt).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from canonical.errors import ConfigError

WEIGHTS_VARIABLE: Final = "BULKRAIL_MODULUS_WEIGHTS"
SUBSTITUTIONS_VARIABLE: Final = "BULKRAIL_MODULUS_SUBSTITUTIONS"

ALGORITHMS: Final = ("MOD10", "MOD11", "DBLAL")
"""Algorithms by their number in `Tables.algorithm`."""
_EXCEPTION_MAX: Final = 14
_ROW: Final = re.compile(
    r"([0-9]{6})\s+([0-9]{6})\s+(MOD10|MOD11|DBLAL)((?:\s+-?[0-9]{1,3}){14})(?:\s+([0-9]{1,2}))?\s*"
)
_PAIR: Final = re.compile(r"([0-9]{6})\s+([0-9]{6})\s*")


@dataclass(frozen=True, slots=True)
class Tables:
    """Rows of the weight table in file order, and the substitutions. Sorting codes are numbers.

    `weights` has 14 columns (u-z of the sorting code, a-h of the account); `exception` is 0 where there is none.
    """

    start: np.ndarray
    end: np.ndarray
    algorithm: np.ndarray
    weights: np.ndarray
    exception: np.ndarray
    original: np.ndarray
    substitute: np.ndarray


def tables() -> Tables | None:
    """The tables that the environment names, read again when a file has changed; None where no weights are named.

    Raises:
        ConfigError: a file that is named cannot be read, or a line is not of the published layout.
    """
    weights = os.environ.get(WEIGHTS_VARIABLE)
    if not weights:
        return None
    substitutions = os.environ.get(SUBSTITUTIONS_VARIABLE)
    return _read(_seen(weights, WEIGHTS_VARIABLE), _seen(substitutions, SUBSTITUTIONS_VARIABLE))


def _seen(name: str | None, variable: str) -> tuple[str, int] | None:
    if not name:
        return None
    try:
        return name, Path(name).stat().st_mtime_ns
    except OSError as fault:
        raise ConfigError(f"{variable}: {name} cannot be read: {fault.strerror}") from fault


@lru_cache(maxsize=4)
def _read(weights: tuple[str, int], substitutions: tuple[str, int] | None) -> Tables:
    rows = _matches(Path(weights[0]), _ROW)
    pairs = _matches(Path(substitutions[0]), _PAIR) if substitutions else []
    if not rows:
        raise ConfigError(f"{weights[0]} has no row of a modulus weight table")
    exception = np.array([int(row[5] or 0) for row in rows], np.int64)
    if (exception > _EXCEPTION_MAX).any():
        raise ConfigError(f"{weights[0]} has an exception above {_EXCEPTION_MAX}, which is not known here")
    return Tables(
        np.array([int(row[1]) for row in rows], np.int64),
        np.array([int(row[2]) for row in rows], np.int64),
        np.array([ALGORITHMS.index(row[3]) for row in rows], np.int64),
        np.array([[int(weight) for weight in row[4].split()] for row in rows], np.int16),
        exception,
        np.array([int(pair[1]) for pair in pairs], np.int64),
        np.array([int(pair[2]) for pair in pairs], np.int64),
    )


def _matches(path: Path, layout: re.Pattern[str]) -> list[re.Match[str]]:
    found = []
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        match = layout.fullmatch(line)
        if match is not None:
            found.append(match)
        elif line.strip():
            raise ConfigError(f"{path}:{number}: this line is not of the published layout")
    return found
