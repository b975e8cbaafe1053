"""Logs without secrets: the last step of structlog and of the standard library's logging."""

from __future__ import annotations

import logging
from typing import Any

import structlog

from gateway.secrets import Secrets


class Mask:
    """structlog's last processor: whatever the renderer made, without secrets."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def __call__(self, _logger: Any, _method: str, rendered: Any) -> Any:
        """The rendered line; an event that is not rendered yet (tests capture it) keeps its form."""
        if isinstance(rendered, str):
            return self._secrets.mask(rendered)
        if isinstance(rendered, bytes):
            return self._secrets.mask(rendered.decode("utf-8", "replace")).encode()
        return rendered


class _MaskedRecords:
    """Makes the standard library's records: other people's libraries log too."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **named)
        text = record.getMessage()
        masked = self._secrets.mask(text)
        if masked != text:
            record.msg, record.args = masked, ()
        if record.exc_info and record.exc_info[0] is not None:
            traceback = logging.Formatter().formatException(record.exc_info)
            masked = self._secrets.mask(traceback)
            if masked != traceback:
                # A handler that would format it itself finds the text alone.
                record.exc_info, record.exc_text = None, masked
        return record


def mask_logs(secrets: Secrets) -> None:
    """Let no log of this process show a secret that this gateway reads. The last gateway that is opened decides."""
    known = structlog.get_config()["processors"]
    others = [item for item in known if not isinstance(item, Mask)]
    structlog.configure(processors=[*others, Mask(secrets)])
    logging.setLogRecordFactory(_MaskedRecords(secrets))
    # It writes the beginning of each key that it imports, cut in the middle of a line, where no mask finds it.
    logging.getLogger("gnupg").setLevel(logging.INFO)
