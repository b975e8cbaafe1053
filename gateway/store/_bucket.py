"""The object store in a bucket of S3."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

from canonical.errors import OutsideError
from gateway.store._port import ObjectStore


class S3ObjectStore(ObjectStore):
    """A bucket with a prefix. Endpoint, region and credentials come from the environment, as for every AWS client."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        options: dict[str, Any] = {}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            options = {"endpoint": endpoint, "client_options": {"allow_http": endpoint.startswith("http:")}}
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        super().__init__(url, S3Store(self._bucket, prefix=self._prefix or None, region=region, **options))

    def delete(self, key: str, version: str) -> bool:
        """As the port says: a conditional delete on the entity tag."""
        import boto3
        from botocore.exceptions import ClientError

        found = self.head(key)
        if found is None or found.version != version:
            return False
        full = f"{self._prefix}/{key}" if self._prefix else key
        try:
            # If-Match closes the gap between looking and deleting.
            boto3.client("s3").delete_object(Bucket=self._bucket, Key=full, IfMatch=version.partition(" ")[0])
        except ClientError as fault:
            if fault.response["Error"]["Code"] == "PreconditionFailed":
                return False
            raise OutsideError(f"S3 refused to delete {key}: {fault}") from fault
        return True

    def _copy(self, key: str, to: str) -> None:
        obstore.copy(self._store, key, to)

    def _make_durable(self, key: str) -> None:
        """S3 answers a put when it is durable."""

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """As the port says: a copy."""
        with tempfile.NamedTemporaryFile(prefix="bulkrail-") as file:
            self.copy_to(key, file)
            file.flush()
            yield Path(file.name)
