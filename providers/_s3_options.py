"""What a profile says of a bucket."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from providers._ways import ReleaseTerms


class S3Options(ReleaseTerms):
    """`inbox`, `outbox`, `archive`: key prefixes. `finals_stay`: the provider promises to leave what it has read.

    `server_side_encryption` with `kms_key_id`; `owner_full_control` for a bucket of another account. `role_arn` is assumed.
    """

    bucket: str
    inbox: str = ""
    outbox: str | None = None
    archive: str | None = None
    release: Literal["direct", "marker"] = "direct"
    region: str | None = None
    endpoint_url: str | None = None
    role_arn: str | None = None
    server_side_encryption: Literal["AES256", "aws:kms"] | None = None
    kms_key_id: str | None = None
    owner_full_control: bool = False
    timeout_s: float = Field(default=60.0, gt=0)
