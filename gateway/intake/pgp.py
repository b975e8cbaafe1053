"""OpenPGP with a client: decrypt and verify what comes, encrypt and sign what goes. GnuPG does it, in a home of its own.

A signature counts only when GnuPG calls it good and it is by a key whose fingerprint the client's profile pins. Keys rotate
without a gap: both fingerprints and both keys stand in the profile while the client (or we) change them.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gnupg

from canonical.errors import ConfigError, OutsideError
from canonical.profiles import Pgp
from gateway.intake.envelopes import Rejected

SIGNATURE_RULE = "pgp-signature"
"""Rule id of a message that is not by who it should be: quarantined, never parsed."""
_ARMOR, _PACKET = b"-----BEGIN PGP", 0x80


@dataclass(frozen=True, slots=True)
class PgpKeyring:
    """The keys of one client's profile. `secret(name)` gives a key's armored text."""

    profile: Pgp
    secret: Callable[[str], str]

    def open(self, packed: Path, out: Path) -> None:
        """Decrypt and verify `packed` into `out`; nothing is left there where it fails.

        Signed and encrypted at once, or signed first and the signed message encrypted after: either is one signature.

        Raises:
            Rejected: no key of ours opens it, or it bears no good signature of a pinned key.
            ConfigError: a key of the profile is none.
            OutsideError: GnuPG is not installed.
        """
        part = out.with_suffix(".part")
        with self._home() as gpg:
            result = gpg.decrypt_file(str(packed), output=str(part), always_trust=True)
            # `ok` is true of what was decrypted, whoever signed it, and of nothing that was signed alone.
            opened = result.ok
            if opened and not result.sig_info and _begins_a_message(part):
                result = self._verified(gpg, part)
        signers = {result.pubkey_fingerprint, result.fingerprint} & set(self.profile.signers)
        # A tampered message leaves part of its text behind.
        if opened and result.valid and signers and len(result.sig_info) == 1:
            part.rename(out)
            return
        part.unlink(missing_ok=True)
        raise _refusal(result, opened=opened)

    def _verified(self, gpg: gnupg.GPG, part: Path) -> gnupg.Crypt:
        """What GnuPG says of the signed message in `part`, which its text takes the place of."""
        inner = part.with_suffix(".inner")
        part.rename(inner)
        try:
            return gpg.decrypt_file(str(inner), output=str(part), always_trust=True)
        finally:
            inner.unlink()

    def close(self, plain: Path, out: Path) -> None:
        """Encrypt for the client and sign with our first private key, armored.

        Raises:
            ConfigError: the profile has no key to encrypt to, or a key is none.
            OutsideError: GnuPG is not installed or refuses.
        """
        recipient = self.profile.encrypt_to
        if recipient is None:
            raise ConfigError("the profile names no key to encrypt answers to (pgp.encrypt_to)")
        with self._home() as gpg:
            ours = gpg.list_keys(secret=True).fingerprints
            result = gpg.encrypt_file(
                str(plain), recipient, sign=ours[0], always_trust=True, armor=True, output=str(out)
            )
        if not result.ok:
            told = f"GnuPG encrypts nothing for the key {recipient} ({result.status}): has it expired? Put the client's current key"
            raise OutsideError(f"{told} into the secrets of pgp.public_keys, and its fingerprint into pgp.encrypt_to")

    @contextmanager
    def _home(self) -> Iterator[gnupg.GPG]:
        with tempfile.TemporaryDirectory(prefix="bulkrail-gpg-") as home:
            try:
                gpg = gnupg.GPG(gnupghome=home)
            except OSError as fault:
                raise OutsideError("GnuPG is not installed; install gnupg") from fault
            try:
                for name in (*self.profile.public_keys, *self.profile.private_keys):
                    if not gpg.import_keys(self.secret(name)).fingerprints:
                        raise ConfigError(f"secret {name!r} is no OpenPGP key")
                yield gpg
            finally:
                # GnuPG's agent would outlive its home.
                subprocess.run(  # noqa: S603 - a fixed command, no shell
                    ["gpgconf", "--homedir", home, "--kill", "all"],  # noqa: S607 - where GnuPG was found
                    check=False, capture_output=True,
                )  # fmt: skip


def _begins_a_message(part: Path) -> bool:
    """True where the bytes may be an OpenPGP message, armored or binary (a packet's tag has the highest bit set)."""
    with part.open("rb") as file:
        head = file.read(len(_ARMOR))
    return head == _ARMOR or (bool(head) and head[0] >= _PACKET)


_SIGN: Final = "Sign it with your agreed key; call us if you changed it."
_SIGNERS: Final = {"no_pubkey": "was not agreed", "expkeysig": "has expired", "revkeysig": "was revoked"}
"""What GnuPG says of a signer, in words."""


def _refusal(result: gnupg.Crypt, *, opened: bool) -> Rejected:
    """Why the message counts for nothing."""
    words = f"{result.status} {result.stderr}".lower()
    if not opened and not result.sig_info and "no secret key" in words:
        return Rejected("pgp-key", "The message is not encrypted for our key.", "Encrypt it for the key we gave you.")
    if not opened and result.valid:
        return Rejected("pgp-key", "The message is signed and not encrypted.", "Encrypt it for the key we gave you.")
    return Rejected(SIGNATURE_RULE, *_distrust(words, opened=opened), "DS0H")


def _distrust(words: str, *, opened: bool) -> tuple[str, str]:
    """Message and remedy of what bears no signature that counts. `words`: what GnuPG said, in lower case."""
    signed = "[gnupg:] newsig" in words
    if "not integrity protected" in words:
        message = "The message is not protected against changes (it has no integrity protection, as old programs seal)."
        return message, "Seal it with a current OpenPGP program."
    if not signed and opened:
        return "The message is not signed.", "Sign it with your agreed key."
    if not opened and (not signed or "[gnupg:] decryption_failed" in words):
        message = "The message is damaged or incomplete, or was changed on its way."
        return message, "Seal it again and send it again; check that the upload finished."
    if not opened and "[gnupg:] plaintext" not in words:
        return "The file is a signature without what it signs.", "Encrypt and sign the payment file as one message."
    for word, told in _SIGNERS.items():
        if f"[gnupg:] {word} " in words:
            return f"The message is signed by a key that {told}.", _SIGN
    return "The message does not bear a good signature by an agreed key.", _SIGN
