"""The remote side of `http-api`: its client and libraries are loaded when a connection is opened."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx2

from canonical.contracts import DeliveryLog, Parcel, RemoteFile, Reply, RequestBlock, Sent
from canonical.errors import BulkrailError, OutcomeUnknown, OutsideError, TransientError
from canonical.json_templates import encoded, fields, filled, text_at
from canonical.masking import mask_numbers
from canonical.money import format_minor
from providers._http_auth import Proof, Secret, detached, trust
from providers._http_calls import Answered, Caller, Guarded, Listed
from providers._http_options import Call, Enquiry, HttpApiOptions, Listing
from providers._http_release import Sending, carry, enquire, withdraw

_UNFILED: Final = "NARR"
_TERMS: Final = "release terms"
"""Where a block's note keeps them; no template can name it."""


class _ParcelApi:
    """One parcel's requests. Keeps `_http_release.Api`."""

    def __init__(self, caller: Caller, options: HttpApiOptions, secret: Secret, parcel: Parcel) -> None:
        self._client, self._caller, self._options = caller.client, caller, options
        self._secret, self._parcel = secret, parcel
        self._lines: list[bytes] | None = parcel.path.read_bytes().splitlines() if options.per == "payment" else None

    def count(self) -> int:
        return 1 if self._lines is None else len(self._lines)

    def reference(self, number: int) -> str:
        return self._parcel.submission_id if self._lines is None else str(self._line(number)["reference"])

    def stage(self, attempt: int) -> str:
        if self._lines is not None:
            return json.dumps({_TERMS: self._options.release_terms})
        values: dict[str, Any] = dict(self._facts())
        for position, step in enumerate(self._options.steps):
            key = f"{self._parcel.submission_id}-{attempt}-{position}"
            answered = self._step(self._request(step, values, key), position)
            for name, path in step.take.items():
                values[name] = text_at(answered.body, path)
                if values[name] is None:
                    raise OutsideError(f"step {position + 1}: the answer has no {path}")
        # The release is kept as it will be sent: a repeat must be identical, also after the profile has changed.
        release = self._options.release
        named = {
            name: values[name] for name in {*fields(release.path), *fields(release.body), *fields(release.headers)}
        }
        return json.dumps({**named, _TERMS: self._options.release_terms}, sort_keys=True)

    def is_same(self, block: RequestBlock) -> bool:
        return bool(block.note) and json.loads(block.note).get(_TERMS) == self._options.release_terms

    def _step(self, request: httpx2.Request, position: int) -> Answered:
        try:
            answered = self._caller.send(request, repeatable=self._options.idempotency.lifetime_s > 0)
        except OutcomeUnknown as fault:
            # What a step leaves behind moves nothing; the next attempt begins with the first step again.
            raise TransientError(f"step {position + 1}: {fault.message}") from fault
        if answered.status >= httpx2.codes.BAD_REQUEST:
            raise OutsideError(
                f"step {position + 1}: the provider refuses it ({answered.status}): {self._words(answered)}"
            )
        return answered

    def send(self, block: RequestBlock, alive: Callable[[], None]) -> Sending:
        replies, certain, worst = list[Reply](), True, None
        with ThreadPoolExecutor(self._options.at_once) as pool:
            for found in pool.map(lambda number: self._send_one(block, number, alive), block.open):
                if isinstance(found, Reply):
                    replies.append(found)
                else:
                    certain = certain and not isinstance(found, OutcomeUnknown)
                    worst = found if worst is None or isinstance(found, OutsideError) else worst
        return Sending(tuple(replies), certain, worst)

    def _send_one(
        self, block: RequestBlock, number: int, alive: Callable[[], None]
    ) -> Reply | TransientError | OutsideError:
        request = self._release(block, number)
        request.extensions["alive"] = alive
        try:
            answered = self._caller.send(request, repeatable=self._options.idempotency.lifetime_s > 0)
        except (TransientError, OutsideError) as fault:
            return fault
        if answered.status in self._options.meaning.refused:
            return self._reply(number, "refused", answered.body)
        if answered.status >= httpx2.codes.BAD_REQUEST:
            return OutcomeUnknown(f"an answer that nobody agreed ({answered.status}): {self._words(answered)}")
        return self._reply(number, "accepted", answered.body)

    def ask(self, block: RequestBlock) -> Sending:
        enquiry = self._options.enquiry
        assert enquiry is not None, "the caller looked"
        try:
            one_list = set(fields(enquiry.get)) == set()
            listed = self._caller.items(enquiry.get, enquiry.items, enquiry.paging) if one_list else None
            looks = [self._look(number, enquiry, listed) for number in block.open]
        except BulkrailError as fault:
            return Sending(
                (), certain=False, fault=fault if isinstance(fault, OutsideError) else TransientError(str(fault))
            )
        replies = [
            self._reply(number, "accepted", item)
            for number, look in zip(block.open, looks, strict=True)
            if (item := self._find(number, enquiry, look)) is not None
        ]
        return Sending(tuple(replies), certain=True, at=looks[0].at if looks else None)

    def _look(self, number: int, enquiry: Enquiry, listed: Listed | None) -> Listed:
        """What the provider shows of a request, or of all."""
        if listed is None:
            reference = self.reference(number)
            values = {"reference": quote(reference, safe=""), "submission_id": self._parcel.submission_id}
            listed = self._caller.items(filled(enquiry.get, values), enquiry.items, enquiry.paging)
        return listed

    def _find(self, number: int, enquiry: Enquiry, listed: Listed) -> Any:
        """The provider's own record of a request, None where it shows none."""
        reference = self.reference(number)
        return next((item for item in listed.items if text_at(item, enquiry.match) == reference), None)

    def _release(self, block: RequestBlock, number: int) -> httpx2.Request:
        if self._lines is None:
            return self._request(self._options.release, json.loads(block.note), self._parcel.submission_id)
        line = self._line(number)
        values = {"submission_id": self._parcel.submission_id, "reference": line["reference"], "body": line["body"]}
        return self._request(self._options.release, values, str(line["reference"]))

    def _request(self, call: Call, values: Mapping[str, Any], key: str) -> httpx2.Request:
        path = filled(call.path, {name: quote(str(value), safe="") for name, value in values.items()})
        headers = {self._options.idempotency.header: key, **filled(call.headers, values)}
        if call.send == "file":
            headers["Content-Type"] = call.content_type or "application/octet-stream"
            return self._client.build_request(
                call.method, path, headers=headers, content=self._parcel.path.read_bytes()
            )
        body = filled(call.body, values) if call.body is not None else values.get("body")
        if call.send == "form":
            return self._client.build_request(call.method, path, headers=headers, data=dict(_flat(body)))
        headers["Content-Type"] = call.content_type or "application/json"
        data = encoded(body)
        if self._options.signature is not None:
            headers[self._options.signature.header] = detached(data, self._options.signature, self._secret)
        return self._client.build_request(call.method, path, headers=headers, content=data)

    def _reply(self, number: int, outcome: str, body: Any) -> Reply:
        meaning, accepted = self._options.meaning, outcome == "accepted"
        said = text_at(body, meaning.status)
        status = meaning.statuses.get(said or "", meaning.accepted) if accepted else "RJCT"
        code = text_at(body, meaning.reason)
        reason = None if status != "RJCT" else meaning.reasons.get(code or "", _UNFILED)
        text = text_at(body, meaning.text) or (code if reason == _UNFILED else None)
        line = self._line(number) if self._lines is not None else {}
        return Reply(
            number, "accepted" if accepted else "refused", self.reference(number), status,
            text_at(body, meaning.trace) if accepted else None, reason, text, line.get("amount_minor"), line.get("currency"),
            body,
        )  # fmt: skip

    def _line(self, number: int) -> dict[str, Any]:
        assert self._lines is not None, "one request a payment"
        line: dict[str, Any] = json.loads(self._lines[number])
        return line

    def _words(self, answered: Answered) -> str:
        return mask_numbers((text_at(answered.body, self._options.meaning.text) or "")[:200])

    def _facts(self) -> dict[str, Any]:
        parcel = self._parcel
        return {
            "submission_id": parcel.submission_id, "name": parcel.name, "payments": parcel.payments,
            "sum_minor": parcel.sum_minor, "currency": parcel.currency, "size": parcel.size, "sha256": parcel.sha256,
            "sha256_base64": base64.b64encode(bytes.fromhex(parcel.sha256)).decode(),
            "control_sum": format_minor(parcel.sum_minor, parcel.currency) if parcel.currency else "",
        }  # fmt: skip


class HttpApiRemote:
    """One client for one delivery or one look. Keeps `canonical.contracts.Remote`."""

    def __init__(self, client: httpx2.Client, options: HttpApiOptions, secret: Secret) -> None:
        self._options, self._secret, self._caller = options, secret, Caller(client, options)
        self._pulled: dict[str, bytes] = {}

    def deliver(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._http_release.carry`."""
        carry(_ParcelApi(self._caller, self._options, self._secret, parcel), log, self._options)

    def enquire(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._http_release.enquire`."""
        enquire(_ParcelApi(self._caller, self._options, self._secret, parcel), log, self._options)

    def withdraw(self, parcel: Parcel, log: DeliveryLog) -> None:
        """See `providers._http_release.withdraw`."""
        withdraw(_ParcelApi(self._caller, self._options, self._secret, parcel), log, self._options)

    def feedback(self, waiting: tuple[Sent, ...] = ()) -> Iterator[RemoteFile]:
        """What each listing of the profile shows, as a file of its own; its version is the digest of what it holds.

        Raises:
            TransientError, OutsideError: the provider does not say.
        """
        for listing in sorted(self._options.feedback, key=lambda item: item.name):
            for name, url in self._asked(listing, waiting):
                items = self._caller.items(url, listing.items, listing.paging).items
                data = json.dumps({"items": items}, indent=0, sort_keys=True).encode()
                if items:
                    self._pulled[name] = data
                    yield RemoteFile(name, len(data), hashlib.sha256(data).hexdigest()[:32])

    def _asked(self, listing: Listing, waiting: tuple[Sent, ...]) -> Iterator[tuple[str, str]]:
        names = set(fields(listing.get))
        if not names:
            yield listing.name, listing.get
            return
        for sent in waiting:
            if sent.trace is not None or "trace" not in names:
                values = {"trace": quote(sent.trace or "", safe=""), "submission_id": sent.submission_id}
                yield f"{sent.submission_id}.{listing.name}", filled(listing.get, values)

    def fetch(self, file: RemoteFile) -> bytes:
        """The bytes of a listing as `feedback` saw it. Raises OutsideError: it was not listed before."""
        try:
            return self._pulled.pop(file.name)
        except KeyError:
            raise OutsideError(f"{file.name} was not listed on this connection") from None

    def archive(self, file: RemoteFile) -> None:
        """Nothing is put aside: a listing is asked for anew each time."""


@contextmanager
def connected(options: HttpApiOptions, secret: Secret) -> Iterator[HttpApiRemote]:
    """A client; connections are opened as they are needed. Raises ConfigError: a secret is no certificate."""
    line = Guarded(httpx2.HTTPTransport(verify=trust(options, secret), retries=0))
    base: dict[str, Any] = {"base_url": options.base_url, "timeout": options.timeout_s, "transport": line}
    with httpx2.Client(headers={"Accept": "application/json", **options.headers}, **base) as client:
        client.auth = Proof(options.authentication, secret, client)
        yield HttpApiRemote(client, options, secret)


def _flat(body: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested JSON as form fields, `a[b]` and `a[0]`; what is null is left out."""
    if isinstance(body, (Mapping, list)):
        items = body.items() if isinstance(body, Mapping) else enumerate(body)
        for key, value in items:
            yield from _flat(value, f"{prefix}[{key}]" if prefix else str(key))
    elif body is not None:
        yield prefix, str(body).lower() if isinstance(body, bool) else str(body)
