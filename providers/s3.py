"""s3: a provider's bucket, or ours that it reads. An object appears whole and at once, under a key that must be free.

The put of the final key is the release (`If-None-Match: *`), its SHA-256 is checked by S3 itself. Credentials: those of the
process (instance, task or pod role), or a role that is assumed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from canonical.contracts import Remote
from providers._s3_options import S3Options


class S3Transport:
    """Plug-in. Options: `S3Options`."""

    name = "s3"
    options = S3Options

    def connect(self, options: S3Options, secret: Callable[[str], str]) -> AbstractContextManager[Remote]:  # noqa: ARG002  roles, no secrets
        """A client; it connects with the first request. Raises TransientError, OutsideError: the role is refused."""
        from providers._s3_remote import connected  # AWS's library: a tenth of a second, for those who go there

        return connected(options)


TRANSPORT = S3Transport()
