"""Ed25519 key pairs for the sandbox: `python -m sandbox.keys FOLDER NAME...`. What is there already is kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import asyncssh


def make_key(folder: Path, name: str) -> Path:
    """Path of the private key `name` (OpenSSH text, mode 0600); `name.pub` stands beside it. Made on the first call."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment=name)
        _write(path.with_name(f"{name}.pub"), key.export_public_key(), 0o644)
        # The private key comes last: where it is, the pair is whole.
        _write(path, key.export_private_key(), 0o600)
    return path


def public_key(path: Path) -> str:
    """Public half of a private key file, "ssh-ed25519 AAAA…", without its comment."""
    text = path.with_name(f"{path.name}.pub").read_text(encoding="ascii")
    return " ".join(text.split()[:2])


def _write(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    temporary.rename(path)


def main(arguments: list[str]) -> None:
    """Make each named key and print its public half."""
    if len(arguments) < 2:  # noqa: PLR2004  a folder and at least one name
        sys.exit("usage: python -m sandbox.keys FOLDER NAME...")
    for name in arguments[1:]:
        path = make_key(Path(arguments[0]), name)
        sys.stdout.write(f"{path} {public_key(path)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
