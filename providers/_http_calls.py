"""One request to a provider's API, and what its fault says: nothing arrived, refused, or in doubt."""

from __future__ import annotations

import datetime as dt
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final

import httpx2
import pybreaker
import stamina
import structlog

from canonical.errors import OutcomeUnknown, OutsideError, TransientError
from canonical.json_templates import FIELD, find
from canonical.limits import HTTP_BODY_BYTES_MAX
from providers._http_options import HttpApiOptions, Paging

_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_NOTHING_DONE: Final = frozenset({429, 503})
"""With 429 the provider has done nothing. 503 counts so only where it says when to come back (RFC 9110, 10.2.3)."""
_MAY_HAVE_ACTED: Final = frozenset({408, 409, 425, 500, 502, 503, 504})
_WAIT_FIRST_S: Final = 0.5
_FIRST_BYTE: Final = "send_request_headers.started"
"""httpcore2's name of the moment (extension `trace`)."""


def _tell_retry(details: Any) -> None:
    """What failed and how long we wait, never with which arguments: those may hold a payment."""
    structlog.get_logger().warning(
        "retry", tries=details.retry_num, wait_s=round(details.wait_for, 2), fault=str(details.caused_by)[:200]
    )


stamina.instrumentation.set_on_retry_hooks([_tell_retry])


class NotReceived(TransientError):
    """Certainly nothing arrived, or nothing was done: the request may go again. `wait_s`: the provider's wish."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Answered:
    """HTTP status and the answer's JSON; None where it held none. `at`: the provider's own clock, None where it does not tell."""

    status: int
    body: Any
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """All items of a list, and the provider's own clock when it gave the first page; None where it does not tell."""

    items: list[Any]
    at: dt.datetime | None


class Guarded(httpx2.BaseTransport):
    """The line itself. A request's extension `alive` is called on the open connection, before its first byte."""

    def __init__(self, line: httpx2.BaseTransport) -> None:
        self._line = line

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """httpx2's own."""
        alive: Callable[[], None] | None = request.extensions.get("alive")

        def look(event: str, _details: Any) -> None:
            if alive is not None and event.endswith(_FIRST_BYTE):
                alive()

        request.extensions["trace"] = look
        return self._line.handle_request(request)

    def close(self) -> None:
        """httpx2's own."""
        self._line.close()


class Caller:
    """Requests to one API, paced, and counted by a breaker."""

    def __init__(self, client: httpx2.Client, options: HttpApiOptions) -> None:
        self.client, self._options = client, options
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=options.faults_max, reset_timeout=options.rest_s, throw_new_error_on_trip=False
        )
        self._pace = threading.Lock()
        self._next_at = 0.0

    def send(self, request: httpx2.Request, *, repeatable: bool) -> Answered:
        """Send it. What certainly did nothing is repeated; what is in doubt only where `repeatable`.

        Raises:
            NotReceived: certainly nothing was done, however often it was tried.
            OutcomeUnknown: it may have been done.
            OutsideError: refused for who we are (401, 403), redirected, or an answer of no known kind.
        """

        def again(fault: Exception) -> bool | float:
            if isinstance(fault, BreakerOpen):
                return False
            if isinstance(fault, NotReceived) and fault.wait_s is not None:
                return min(fault.wait_s + random.random() / 2, self._options.wait_max_s)  # noqa: S311  it only spreads
            return isinstance(fault, NotReceived) or (repeatable and isinstance(fault, OutcomeUnknown))

        doubts = list[OutcomeUnknown]()
        try:
            for attempt in stamina.retry_context(
                on=again, attempts=self._options.tries, timeout=None, wait_initial=_WAIT_FIRST_S,
                wait_max=self._options.wait_max_s,
            ):  # fmt: skip
                with attempt:
                    answered = self._counted(request, doubts)
        except (TransientError, OutsideError) as fault:
            if doubts and not isinstance(fault, OutcomeUnknown):
                # That the last try did nothing says nothing of an earlier one.
                raise OutcomeUnknown(f"{doubts[0].message}; then: {fault.message}") from fault
            raise
        return answered

    def _counted(self, request: httpx2.Request, doubts: list[OutcomeUnknown]) -> Answered:
        try:
            answered: Answered = self._breaker.call(self._once, request)
        except OutcomeUnknown as fault:
            doubts.append(fault)
            raise
        except pybreaker.CircuitBreakerError as fault:
            raise BreakerOpen("the provider fails again and again; nothing was sent") from fault
        return answered

    def _once(self, request: httpx2.Request) -> Answered:
        self._wait_for_turn()
        what = f"{request.method} {request.url.path}"
        try:
            answer = self.client.send(request, stream=True)
        except _NEVER_SENT as fault:
            raise NotReceived(f"{what}: cannot reach the provider ({type(fault).__name__})") from fault
        except httpx2.TransportError as fault:
            raise OutcomeUnknown(f"{what}: the line broke ({type(fault).__name__})") from fault
        try:
            body = _read(answer)
        except httpx2.TransportError as fault:
            raise OutcomeUnknown(f"{what}: the line broke in the answer ({type(fault).__name__})") from fault
        finally:
            answer.close()
        return _judged(what, answer, body)

    def _wait_for_turn(self) -> None:
        if self._options.rate_per_s is None:
            return
        with self._pace:
            turn = max(self._next_at, time.monotonic())
            self._next_at = turn + 1 / self._options.rate_per_s
        time.sleep(max(0.0, turn - time.monotonic()))

    def items(self, url: str, path: str, paging: Paging | None) -> Listed:
        """All items of a list, page after page; the document itself where it is no list. Empty where there is none (404).

        Raises:
            TransientError, OutsideError: it cannot be read whole.
        """
        found, page_url, at = list[Any](), url, None
        for page_number in range(paging.pages_max if paging else 1):
            try:
                answered = self.send(self.client.build_request("GET", page_url), repeatable=True)
            except OutcomeUnknown as fault:
                raise TransientError(f"the provider does not say: {fault.message}") from fault  # reading does nothing
            at = at if page_number else answered.at
            if answered.status == httpx2.codes.NOT_FOUND:
                return Listed(found, at)
            if answered.status >= httpx2.codes.BAD_REQUEST or answered.body is None:
                raise OutsideError(f"GET {FIELD.sub('…', url)}: the provider answers {answered.status}")
            page = find(answered.body, path)
            items = page if isinstance(page, list) else [] if page is None else [page]
            found += items
            following = _next_page(answered.body, items, url, paging)
            if following is None:
                return Listed(found, at)
            page_url = self._ours(following)
        raise OutsideError(f"a list of more than {paging.pages_max if paging else 1} pages is not read")

    def _ours(self, url: str) -> str:
        """The URL itself, where it leads to the provider: our proof goes to nobody else. Raises OutsideError."""
        target, base = self.client.base_url.join(url), self.client.base_url
        if (target.scheme, target.host, target.port) != (base.scheme, base.host, base.port):
            raise OutsideError(f"the provider's next page lies elsewhere: {target.host}")
        return url


class BreakerOpen(NotReceived):
    """The breaker is open: nothing was sent, and nothing more is sent now."""


def _next_page(body: Any, items: list[Any], url: str, paging: Paging | None) -> str | None:
    if paging is None or (paging.more is not None and not find(body, paging.more)):
        return None
    if paging.next is not None:
        following = find(body, paging.next)
        return str(following) if following else None
    cursor = (
        find(items[-1] if items else None, str(paging.cursor))
        if paging.of_last_item
        else find(body, str(paging.cursor))
    )
    if cursor is None or cursor == "":
        return None
    return str(httpx2.URL(url).copy_merge_params({str(paging.parameter): str(cursor)}))


def _read(answer: httpx2.Response) -> Any:
    held = bytearray()
    for part in answer.iter_bytes():
        held += part
        if len(held) > HTTP_BODY_BYTES_MAX:
            raise OutcomeUnknown(f"the answer is larger than {HTTP_BODY_BYTES_MAX} bytes")
    try:
        return json.loads(held) if held else None
    except ValueError:
        return None


def _judged(what: str, answer: httpx2.Response, body: Any) -> Answered:
    status = answer.status_code
    wait_s = _retry_after_s(answer.headers)
    if status in _NOTHING_DONE and (status == httpx2.codes.TOO_MANY_REQUESTS or wait_s is not None):
        raise NotReceived(f"{what}: the provider asks to wait ({status})", wait_s)
    if status in _MAY_HAVE_ACTED or status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise OutcomeUnknown(f"{what}: the provider answers {status}")
    if status in {401, 403}:
        raise OutsideError(f"{what}: the provider refuses us ({status})")
    if status < httpx2.codes.OK or httpx2.codes.MULTIPLE_CHOICES <= status < httpx2.codes.BAD_REQUEST:
        raise OutcomeUnknown(f"{what}: an answer that nobody agreed ({status})")
    return Answered(status, body, _told_at(answer.headers))


def _told_at(headers: Mapping[str, str]) -> dt.datetime | None:
    """The provider's own clock (RFC 9110, 6.6.1)."""
    return _date(headers.get("date", ""))


def _date(text: str) -> dt.datetime | None:
    when = parsedate_tz(text)
    return dt.datetime.fromtimestamp(mktime_tz(when), dt.UTC) if when else None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a date against the provider's own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    when, now = _date(text), _date(headers.get("date", ""))
    return max(0.0, (when - now).total_seconds()) if when and now else None
