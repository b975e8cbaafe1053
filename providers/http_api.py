"""A provider's HTTP API: one request a payment, or one file with the steps around it. All of its form is data in the profile.

The protocol stands in `_http_release`, one request and its faults in `_http_calls`, who we are in `_http_auth`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from canonical.contracts import Remote
from providers._http_options import HttpApiOptions


class HttpApiTransport:
    """Plug-in. Options: `HttpApiOptions`."""

    name = "http-api"
    options = HttpApiOptions

    def connect(self, options: HttpApiOptions, secret: Callable[[str], str]) -> AbstractContextManager[Remote]:
        """A client; connections are opened as they are needed. Raises ConfigError: a secret is no certificate."""
        from providers._http_remote import connected  # clients and keys: a tenth of a second, for those who go there

        return connected(options, secret)


TRANSPORT = HttpApiTransport()
