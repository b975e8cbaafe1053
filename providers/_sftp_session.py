"""Open one SFTP session, and say of each fault whether the line broke (repeat) or the server refused (do not)."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import paramiko

from canonical.errors import ConfigError, OutsideError, TransientError

_KEY_CLASSES: Final = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_RSA_SIGNATURES: Final = ("rsa-sha2-512", "rsa-sha2-256")
"""Host key algorithms that use an "ssh-rsa" key; SHA-1 signatures are not among them."""

_BROKEN_LINE: Final = (TimeoutError, EOFError, ConnectionError)
"""The listed transient faults. A lost channel shows as any of paramiko's own errors; `answers` looks at the channel."""


Credential = paramiko.PKey | str
"""A private key or a password."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is, and the public keys that it may show: more than one while it changes its own."""

    host: str
    port: int
    host_keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@contextmanager
def open_session(
    server: Server, username: str, credential: Credential, timeout_s: float, keepalive_s: int = 0
) -> Iterator[paramiko.SFTPClient]:
    """A session with a pinned server. `timeout_s` holds for every reply; a silent line is tried every `keepalive_s`.

    Raises:
        TransientError: refused, reset, timed out.
        OutsideError: name unknown, handshake failed, other host key, login refused.
        ConfigError: no host key is pinned, or one of an unknown kind.
    """
    where = str(server)
    pinned = tuple(_pinned(host_key, where) for host_key in server.host_keys)
    with _connecting(where):
        link = socket.create_connection((server.host, server.port), timeout=timeout_s)
        # Requests are small and each waits for its answer: Nagle's algorithm would add 40 ms to every one.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(link)
    try:
        with _connecting(where):
            _handshake(transport, pinned, timeout_s, where)
            _log_in(transport, username, credential, where)
            transport.set_keepalive(keepalive_s)
            sftp = transport.open_sftp_client()
            if sftp is None:
                raise OutsideError(f"{where} opens no SFTP session")
            sftp.get_channel().settimeout(timeout_s)  # type: ignore[union-attr]  # it was opened a line above
        yield sftp
    finally:
        transport.close()


@contextmanager
def answers(sftp: paramiko.SFTPClient, what: str) -> Iterator[None]:
    """Turn the faults of one request into TransientError (the line broke) or OutsideError (the server refused)."""
    try:
        yield
    except _BROKEN_LINE as fault:
        raise TransientError(f"the line broke: cannot {what} ({_words(fault)})") from fault
    except (OSError, paramiko.SSHException, paramiko.SFTPError) as fault:
        channel = sftp.get_channel()
        if channel is None or channel.closed or channel.eof_received:
            raise TransientError(f"the line broke: cannot {what} ({_words(fault)})") from fault
        raise OutsideError(f"the server refuses to {what} ({_words(fault)})") from fault


def private_key(text: str, passphrase: str | None = None) -> paramiko.PKey:
    """A private key from its text.

    Raises:
        ConfigError: it is no OpenSSH private key of a kind in use, or the passphrase is not its own.
    """
    for kind in _KEY_CLASSES:
        try:
            return kind.from_private_key(io.StringIO(text), passphrase)
        except (paramiko.SSHException, ValueError):
            continue
    what = "an unencrypted OpenSSH private key" if passphrase is None else "an OpenSSH private key of this passphrase"
    raise ConfigError(f"the secret is not {what} (Ed25519, ECDSA or RSA)")


def _pinned(host_key: str, where: str) -> tuple[str, str]:
    kind, _, rest = host_key.strip().partition(" ")
    encoded = rest.split(" ")[0]
    if not kind or not encoded:
        raise ConfigError(f'no host key is pinned for {where}: give "host_key", e.g. "ssh-ed25519 AAAA…"')
    return kind, encoded


@contextmanager
def _connecting(where: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN_LINE as fault:
        raise TransientError(f"cannot reach {where}: {_words(fault)}") from fault
    except paramiko.AuthenticationException as fault:
        raise OutsideError(f"{where} refuses the login: {_words(fault)}") from fault
    except (OSError, paramiko.SSHException) as fault:
        raise OutsideError(f"cannot open a session with {where}: {_words(fault)}") from fault


def _handshake(
    transport: paramiko.Transport, pinned: tuple[tuple[str, str], ...], timeout_s: float, where: str
) -> None:
    kinds = dict.fromkeys(name for kind, _ in pinned for name in (_RSA_SIGNATURES if kind == "ssh-rsa" else (kind,)))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = timeout_s
    try:
        transport.get_security_options().key_types = tuple(kinds)
    except ValueError as fault:
        raise ConfigError(f"a host key pinned for {where} is of an unknown kind: {', '.join(kinds)}") from fault
    transport.start_client(timeout=timeout_s)
    if not transport.initial_kex_done:
        # paramiko returns without a word when the time is over.
        raise TimeoutError("no key exchange in time")
    shown = transport.get_remote_server_key()
    if (shown.get_name(), shown.get_base64()) not in pinned:
        raise OutsideError(f"{where} shows another host key than the pinned one: {shown.fingerprint}")


def _log_in(transport: paramiko.Transport, username: str, credential: paramiko.PKey | str, where: str) -> None:
    if isinstance(credential, paramiko.PKey):
        further = transport.auth_publickey(username, credential)
    else:
        further = transport.auth_password(username, credential, fallback=False)
    if further:
        raise OutsideError(f"{where} asks for more than one proof of identity: {', '.join(further)}")


def _words(fault: BaseException) -> str:
    return str(fault) or type(fault).__name__
