"""The remote side of `s3`: a client of AWS, loaded when a connection is opened."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BrokenLine

from canonical.contracts import DeliveryLog, Parcel, RemoteFile, Sent
from canonical.errors import OutsideError, TransientError
from providers._listing import check_plain, check_readable, is_offered
from providers._release import carry, enquire, withdraw
from providers._s3_options import S3Options

PUT_BYTES_MAX: Final = 5 * 2**30
"""S3's bound for one put; more parts would be more than one effect."""
_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_BROKEN_LINE: Final = (BrokenLine, HTTPClientError)
"""botocore's own: refused, timed out, closed, no such host."""
_NOT_NOW: Final = frozenset({"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "503", "500"})


class _S3Place:
    """Primitives of the protocol below one prefix. Every put is a conditional create."""

    def __init__(self, client: Any, options: S3Options) -> None:
        self._client, self._options = client, options

    def put(self, name: str, path: Path) -> None:
        if path.stat().st_size > PUT_BYTES_MAX:
            raise OutsideError(f"{name} is larger than one put to S3 may be ({PUT_BYTES_MAX} bytes)")
        with path.open("rb") as body:
            self._create(name, body)

    def mark(self, name: str) -> None:
        self._create(name, b"")

    def resume(self, left: str, name: str, path: Path) -> bool:  # noqa: ARG002  an object is put whole
        return False

    def size(self, name: str) -> int | None:
        found = self._head(name)
        return None if found is None else int(found["ContentLength"])

    def sha256(self, name: str) -> str | None:
        found = self._head(name)
        told = found.get("ChecksumSHA256") if found else None
        return base64.b64decode(told).hex() if told else None

    def rename(self, temporary: str, final: str) -> None:
        raise OutsideError(f"S3 renames by copy and delete: {temporary} is not renamed to {final}")

    def _head(self, name: str) -> dict[str, Any] | None:
        with _faults(f"look at {name}"):
            try:
                found: dict[str, Any] = self._client.head_object(
                    Bucket=self._options.bucket, Key=self._key(name), ChecksumMode="ENABLED"
                )
            except ClientError as fault:
                if _code(fault) in _ABSENT:
                    return None
                raise
            return found

    def _create(self, name: str, body: Any) -> None:
        options = self._options
        more: dict[str, Any] = {}
        if options.server_side_encryption:
            more["ServerSideEncryption"] = options.server_side_encryption
        if options.kms_key_id:
            more["SSEKMSKeyId"] = options.kms_key_id
        if options.owner_full_control:
            more["ACL"] = "bucket-owner-full-control"
        with _faults(f"write {name}"):
            self._client.put_object(
                Bucket=options.bucket,
                Key=self._key(name),
                Body=body,
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
                **more,
            )

    def _key(self, name: str) -> str:
        check_plain(name)
        return f"{self._options.inbox}{name}"


class S3Remote:
    """One client for one bucket. Keeps `canonical.contracts.Remote`."""

    def __init__(self, client: Any, options: S3Options) -> None:
        self._client, self._options = client, options

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.carry`."""
        carry(_S3Place(self._client, self._options), parcel, log, self._options)

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.enquire`."""
        enquire(_S3Place(self._client, self._options), parcel, log, self._options)

    def withdraw(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._release.withdraw`."""
        withdraw(_S3Place(self._client, self._options), parcel, log, self._options)

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:  # noqa: ARG002  a bucket is not asked
        """Objects directly below the outbox, in name order; an object is always whole. Raises TransientError, OutsideError."""
        outbox = self._options.outbox
        if outbox is None:
            return
        with _faults("list the outbox"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._options.bucket, Prefix=outbox, Delimiter="/"
            )
            found = [item for page in pages for item in page.get("Contents", [])]
        for item in sorted(found, key=lambda item: str(item["Key"])):
            name = str(item["Key"]).removeprefix(outbox)
            if name and is_offered(name):
                yield RemoteFile(name, int(item["Size"]), str(item["ETag"]).strip('"'))

    def fetch(self, file: RemoteFile) -> bytes:
        """Bytes of an offered object, as it was listed. Raises TransientError (it was written anew), OutsideError."""
        check_plain(file.name)
        check_readable(file.name, file.size)
        with _faults(f"read {file.name}"):
            try:
                found = self._client.get_object(
                    Bucket=self._options.bucket,
                    Key=f"{self._options.outbox or ''}{file.name}",
                    IfMatch=f'"{file.version}"',
                )
                return bytes(found["Body"].read())
            except ClientError as fault:
                if _code(fault) in _TAKEN:
                    raise TransientError(f"{file.name} was written anew since it was listed; left for later") from fault
                raise

    def archive(self, file: RemoteFile) -> None:
        """Copy it below `archive` and delete it, where the profile names one. Raises TransientError, OutsideError."""
        if self._options.archive is None:
            return
        bucket, key = self._options.bucket, f"{self._options.outbox or ''}{file.name}"
        with _faults(f"put {file.name} aside"):
            try:
                found = self._client.head_object(Bucket=bucket, Key=key)
                if str(found["ETag"]).strip('"') != file.version:
                    return  # written anew: the next look offers it
                self._client.copy_object(
                    Bucket=bucket, Key=f"{self._options.archive}{file.version}-{file.name}",
                    CopySource={"Bucket": bucket, "Key": key}, CopySourceIfMatch=f'"{file.version}"',
                )  # fmt: skip
                self._client.delete_object(Bucket=bucket, Key=key, IfMatch=f'"{file.version}"')
            except ClientError as fault:
                if _code(fault) not in _TAKEN | _ABSENT:
                    raise  # else it was written anew in this moment, or is put aside already


@contextmanager
def connected(options: S3Options) -> Iterator[S3Remote]:
    """A client; it connects with the first request. Raises TransientError, OutsideError: the role is refused."""
    config = Config(
        connect_timeout=options.timeout_s, read_timeout=options.timeout_s, region_name=options.region,
        # A put that is repeated below us would meet its own object and look like somebody else's.
        retries={"total_max_attempts": 1},
    )  # fmt: skip
    with _faults("become the provider's role"):
        keys: dict[str, Any] = _assumed(options) if options.role_arn else {}
        client = boto3.client("s3", endpoint_url=options.endpoint_url, config=config, **keys)
    yield S3Remote(client, options)


def _assumed(options: S3Options) -> dict[str, str]:
    told = boto3.client("sts").assume_role(RoleArn=str(options.role_arn), RoleSessionName="bulkrail")["Credentials"]
    return {
        "aws_access_key_id": told["AccessKeyId"], "aws_secret_access_key": told["SecretAccessKey"],
        "aws_session_token": told["SessionToken"],
    }  # fmt: skip


@contextmanager
def _faults(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as fault:
        code = _code(fault)
        kind = TransientError if code in _NOT_NOW else OutsideError
        words = "the key is taken" if code in _TAKEN else code
        raise kind(f"cannot {what}: {words}") from fault
    except _BROKEN_LINE as fault:
        raise TransientError(f"the line broke: cannot {what} ({type(fault).__name__})") from fault
    except BotoCoreError as fault:
        raise OutsideError(f"cannot {what}: {fault}") from fault


def _code(fault: ClientError) -> str:
    return str(fault.response.get("Error", {}).get("Code", ""))
