"""Secrets by name: a folder with one file each, or AWS Secrets Manager. Values are kept for a bounded time and never logged.

`file:///folder`, or `awssm://prefix`: the secret `bank_key` is then `prefix/bank_key`. A rotated secret is seen once the
kept value is `life_s` old.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from canonical.errors import ConfigError, NotFound, OutsideError, TransientError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=@-]{0,199}")
_MASKED_CHARS_MIN: Final = 6
"""Shorter texts are no secrets, and masking them would hide half of every log."""
_NOT_NOW: Final = frozenset({"ThrottlingException", "InternalServiceError", "RequestTimeout", "ServiceUnavailable"})


@dataclass(frozen=True, slots=True)
class _Kept:
    text: str
    until_s: float


class Secrets:
    """Where the secrets are. One for the life of a gateway; safe in many threads."""

    def __init__(
        self,
        url: str,
        life_s: float,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"file", "awssm"}:
            raise ConfigError(f"BULKRAIL_SECRETS_URL must begin with file:// or awssm://, not {parts.scheme}://")
        self.url = url
        self._life_s, self._lock = life_s, threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._shown: set[str] = set()

    @property
    def folder(self) -> Path:
        """The folder of a `file://` URL."""
        return Path(urlsplit(self.url).path)

    def read(self, name: str) -> str:
        """Text of a secret.

        Raises:
            NotFound: there is none (it tells the name, never where others are).
            TransientError, OutsideError: Secrets Manager does not answer, or refuses.
        """
        if not _NAME.fullmatch(name):
            raise NotFound(f"{name!r} cannot be the name of a secret")
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and time.monotonic() < kept.until_s:
                return kept.text
        text = self._from_file(name) if self.url.startswith("file:") else self._from_aws(name)
        with self._lock:
            self._kept[name] = _Kept(text, time.monotonic() + self._life_s)
            self._shown |= _pieces(text)
        return text

    def mask(self, text: str) -> str:
        """The text with every secret that was ever read replaced by `***`."""
        with self._lock:
            shown = sorted(self._shown, key=len, reverse=True)
        for secret in shown:
            text = text.replace(secret, "***")
        return text

    def _from_file(self, name: str) -> str:
        path = self.folder / name
        if not path.is_file():
            raise NotFound(f"no secret named {name!r}; put it where BULKRAIL_SECRETS_URL leads")
        return path.read_text(encoding="utf-8")

    def _from_aws(self, name: str) -> str:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as BrokenLine

        parts = urlsplit(self.url)
        key = "/".join(part for part in (parts.netloc, parts.path.strip("/"), name) if part)
        try:
            found: Any = boto3.client("secretsmanager").get_secret_value(SecretId=key)
        except ClientError as fault:
            code = str(fault.response.get("Error", {}).get("Code"))
            if code == "ResourceNotFoundException":
                raise NotFound(f"no secret named {name!r}; put it where BULKRAIL_SECRETS_URL leads") from None
            kind = TransientError if code in _NOT_NOW else OutsideError
            raise kind(f"Secrets Manager gives no {name!r}: {code}") from fault
        except (BrokenLine, HTTPClientError) as fault:
            raise TransientError(f"Secrets Manager cannot be reached for {name!r}: {type(fault).__name__}") from fault
        except BotoCoreError as fault:
            raise OutsideError(f"Secrets Manager cannot be asked for {name!r}: {fault}") from fault
        text = found.get("SecretString")
        return str(text) if text is not None else bytes(found["SecretBinary"]).decode()


def _pieces(text: str) -> set[str]:
    """The secret as a whole and line by line, as a log may show it."""
    pieces = {text, text.strip(), *(line.strip() for line in text.splitlines())}
    return {piece for piece in pieces if len(piece) >= _MASKED_CHARS_MIN and not piece.startswith("-----")}
