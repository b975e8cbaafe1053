"""What both transports hold about files that a provider offers."""

from __future__ import annotations

from typing import Final

from canonical.errors import OutsideError, TransientError
from canonical.limits import FILE_BYTES_MAX

_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".partial", ".withdrawn")


def is_offered(name: str) -> bool:
    """False for temporaries by common habit (dot files, `.part`, `.tmp`) and for names that are no plain names."""
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED) and "/" not in name


def version_of(size: int, modified: float) -> str:
    """Changes when the content does: size in bytes and modification time in seconds."""
    return f"{size}-{modified:.6f}"


def check_plain(name: str) -> None:
    """Raise OutsideError for a name that would leave its folder."""
    if "/" in name or "\0" in name or name in {"", ".", ".."}:
        raise OutsideError(f"{name!r} is not a plain file name")


def check_readable(name: str, size: int) -> None:
    """Raise OutsideError for a file above the bound of the house."""
    if size > FILE_BYTES_MAX:
        raise OutsideError(f"{name} has {size} bytes, the most that is read is {FILE_BYTES_MAX}")


def check_settled(name: str, before: str, after: str) -> None:
    """Raise TransientError where the file changed since it was listed: it is still being written, left for later."""
    if before != after:
        raise TransientError(f"{name} is still being written; it is left for later")
