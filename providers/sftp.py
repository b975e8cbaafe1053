"""SFTP, as most banks take files: paramiko as the client, one pinned host key, no agent, no key files of this machine.

Renames are plain SFTP v3 renames, which refuse a taken name; the `posix-rename` extension, which overwrites, is never used.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import paramiko
from pydantic import Field, model_validator

from canonical.contracts import DeliveryLog, Parcel, RemoteFile, Sent
from canonical.errors import OutsideError, TransientError
from providers._listing import check_plain, check_readable, check_settled, is_offered, version_of
from providers._release import carry, enquire
from providers._sftp_session import answers, open_session, private_key
from providers._ways import ReleaseTerms

_CHUNK_BYTES: Final = 2**15
"""Every SFTP server must take writes of this size."""


class SftpOptions(ReleaseTerms):
    """`host_key`: the pinned public key, e.g. "ssh-ed25519 AAAA…". Secrets are named, never written here.

    `private_key_secret`: its text is an OpenSSH private key; or `password_secret`. `inbox`, `outbox`: remote folders for
    submissions and feedback. `hash_offered`: the server answers the `check-file` extension with SHA-256.
    """

    host: str
    port: int = Field(default=22, ge=1, le=65535)
    username: str
    private_key_secret: str | None = None
    password_secret: str | None = None
    host_key: str
    inbox: str
    outbox: str | None = None
    hash_offered: bool = False
    timeout_s: float = Field(default=30.0, gt=0)

    @model_validator(mode="after")
    def _one_secret(self) -> SftpOptions:
        if (self.private_key_secret is None) == (self.password_secret is None):
            raise ValueError("name either private_key_secret or password_secret")
        return self


class _SftpPlace:
    """Primitives of the protocol in one remote folder."""

    def __init__(self, sftp: paramiko.SFTPClient, folder: str, *, hash_offered: bool) -> None:
        self._sftp = sftp
        self._folder = folder
        self._hash_offered = hash_offered

    def put(self, name: str, path: Path) -> None:
        # paramiko forgets a refused close: whoever calls looks at the size afterwards.
        with (
            path.open("rb") as source,
            answers(self._sftp, f"write {name}"),
            self._sftp.open(self._at(name), "wx") as target,
        ):
            target.set_pipelined(pipelined=True)
            while chunk := source.read(_CHUNK_BYTES):
                target.write(chunk)

    def resume(self, left: str, name: str, path: Path) -> bool:  # noqa: ARG002  comes next
        return False

    def size(self, name: str) -> int | None:
        with answers(self._sftp, f"look at {name}"):
            try:
                return self._sftp.lstat(self._at(name)).st_size
            except FileNotFoundError:
                return None

    def sha256(self, name: str) -> str | None:
        if not self._hash_offered:
            return None
        with answers(self._sftp, f"hash {name}"), self._sftp.open(self._at(name), "r") as file:
            return file.check("sha256").hex()

    def rename(self, temporary: str, final: str) -> None:
        with answers(self._sftp, f"rename {temporary} to {final}"):
            self._sftp.rename(self._at(temporary), self._at(final))

    def mark(self, name: str) -> None:
        with answers(self._sftp, f"write {name}"):
            self._sftp.open(self._at(name), "wx").close()

    def _at(self, name: str) -> str:
        check_plain(name)
        return f"{self._folder.rstrip('/')}/{name}"


class SftpRemote:
    """One open session. Keeps `canonical.contracts.Remote`."""

    def __init__(self, sftp: paramiko.SFTPClient, options: SftpOptions) -> None:
        self._sftp = sftp
        self._options = options

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.carry`."""
        carry(self._place(), parcel, log, self._options)

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.enquire`."""
        enquire(self._place(), parcel, log, self._options)

    def _place(self) -> _SftpPlace:
        return _SftpPlace(self._sftp, self._options.inbox, hash_offered=self._options.hash_offered)

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:  # noqa: ARG002  a folder is not asked
        """Whole files of the outbox, in name order.

        Raises:
            TransientError: the line broke.
            OutsideError: the server refuses the listing.
        """
        outbox = self._options.outbox
        if outbox is None:
            return
        with answers(self._sftp, f"list {outbox}"):
            found = self._sftp.listdir_attr(outbox)
        for item in sorted(found, key=lambda item: item.filename):
            # Servers in front of object stores may leave the mode out.
            is_file = item.st_mode is None or stat.S_ISREG(item.st_mode)
            if is_file and is_offered(item.filename):
                yield RemoteFile(item.filename, item.st_size or 0, _version(item))

    def fetch(self, file: RemoteFile) -> bytes:
        """Bytes of an offered file.

        Raises:
            TransientError: it changed since it was listed or while it was read, or the line broke.
            OutsideError: it is gone, too large, or may not be read.
        """
        check_plain(file.name)
        check_readable(file.name, file.size)
        if self._options.outbox is None:
            raise OutsideError("no outbox is named for this provider")
        path = f"{self._options.outbox.rstrip('/')}/{file.name}"
        with answers(self._sftp, f"read {file.name}"):
            check_settled(file.name, file.version, _version(self._sftp.lstat(path)))
            with self._sftp.open(path, "r") as source:
                source.prefetch(file.size)
                data = source.read(file.size + 1)
            after = self._sftp.lstat(path)
        check_settled(file.name, file.version, _version(after))
        if len(data) != file.size:
            raise TransientError(f"{file.name}: {len(data)} of {file.size} bytes came; it is left for later")
        return data

    def archive(self, file: RemoteFile) -> None:
        """Nothing yet."""


class SftpTransport:
    """Plug-in. Options: `SftpOptions`."""

    name = "sftp"
    options = SftpOptions

    @contextmanager
    def connect(self, options: SftpOptions, secret: Callable[[str], str]) -> Iterator[SftpRemote]:
        """Open a session; `secret(name)` gives a secret's text.

        Raises:
            TransientError: refused, reset, timed out.
            OutsideError: name unknown, handshake failed, other host key, login refused.
            ConfigError: no host key is pinned, or a secret is no private key.
        """
        with open_session(
            (options.host, options.port),
            options.host_key,
            options.username,
            _credential(options, secret),
            options.timeout_s,
        ) as sftp:
            yield SftpRemote(sftp, options)


TRANSPORT = SftpTransport()


def _credential(options: SftpOptions, secret: Callable[[str], str]) -> paramiko.PKey | str:
    if options.private_key_secret is not None:
        return private_key(secret(options.private_key_secret))
    assert options.password_secret is not None, "the model asks for one of the two"
    return secret(options.password_secret)


def _version(attributes: paramiko.SFTPAttributes) -> str:
    return version_of(attributes.st_size or 0, attributes.st_mtime or 0)
