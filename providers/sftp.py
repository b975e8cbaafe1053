"""SFTP, as most banks take files: paramiko as the client, pinned host keys, no agent, no key files of this machine.

Renames are plain SFTP v3 renames, which refuse a taken name; the `posix-rename` extension, which overwrites, is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paramiko
from pydantic import Field, model_validator

from canonical.contracts import DeliveryLog, Parcel, RemoteFile, Sent
from providers._release import carry, enquire, withdraw
from providers._sftp_folder import SftpFolder
from providers._sftp_offers import Offers, OfferTerms
from providers._sftp_session import Credential, Server, open_session, private_key
from providers._ways import ReleaseTerms


class SftpOptions(ReleaseTerms, OfferTerms):
    """`host_key`: the pinned public key, e.g. "ssh-ed25519 AAAA…"; `host_keys`: more of them, while the server changes its own.

    Secrets are named, never written here. `private_key_secret`: its text is an OpenSSH private key (with
    `private_key_passphrase_secret` an encrypted one); or `password_secret`. `inbox`: remote folder for submissions.
    `hash_offered`: the server answers the `check-file` extension with SHA-256.
    """

    host: str
    port: int = Field(default=22, ge=1, le=65535)
    username: str
    private_key_secret: str | None = None
    private_key_passphrase_secret: str | None = None
    password_secret: str | None = None
    host_key: str
    host_keys: tuple[str, ...] = ()
    inbox: str
    hash_offered: bool = False
    timeout_s: float = Field(default=30.0, gt=0)
    keepalive_s: int = Field(default=30, ge=0)

    @model_validator(mode="after")
    def _one_secret(self) -> SftpOptions:
        if (self.private_key_secret is None) == (self.password_secret is None):
            raise ValueError("name either private_key_secret or password_secret")
        if self.private_key_passphrase_secret is not None and self.private_key_secret is None:
            raise ValueError("a passphrase belongs to private_key_secret")
        return self


class SftpRemote:
    """One open session. Keeps `canonical.contracts.Remote`."""

    def __init__(self, sftp: paramiko.SFTPClient, options: SftpOptions) -> None:
        self._sftp = sftp
        self._options = options

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.carry`."""
        carry(self._inbox(), parcel, log, self._options)

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.enquire`."""
        enquire(self._inbox(), parcel, log, self._options)

    def withdraw(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.withdraw`."""
        withdraw(self._inbox(), parcel, log, self._options)

    def _inbox(self) -> SftpFolder:
        return SftpFolder(self._sftp, self._options.inbox, hash_offered=self._options.hash_offered)

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:  # noqa: ARG002  a folder is not asked
        """Whole files of the outbox and the pick-up folders, in name order.

        Raises:
            TransientError: the line broke.
            OutsideError: the server refuses the listing.
        """
        yield from Offers(self._sftp, self._options).files()

    def fetch(self, file: RemoteFile) -> bytes:
        """Bytes of an offered file.

        Raises:
            TransientError: it changed since it was listed or while it was read, or the line broke.
            OutsideError: it is gone, too large, or may not be read.
        """
        return Offers(self._sftp, self._options).fetch(file)

    def archive(self, file: RemoteFile) -> None:
        """Move it into the archive folder that the profile names. Raises TransientError, OutsideError."""
        Offers(self._sftp, self._options).archive(file)


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
        server = Server(options.host, options.port, (options.host_key, *options.host_keys))
        with open_session(
            server, options.username, _credential(options, secret), options.timeout_s, options.keepalive_s
        ) as sftp:
            yield SftpRemote(sftp, options)


TRANSPORT = SftpTransport()


def _credential(options: SftpOptions, secret: Callable[[str], str]) -> Credential:
    if options.private_key_secret is not None:
        named = options.private_key_passphrase_secret
        return private_key(secret(options.private_key_secret), secret(named).strip("\r\n") if named else None)
    assert options.password_secret is not None, "the model asks for one of the two"
    return secret(options.password_secret)
