"""What a profile says of a provider's HTTP API: where, who we are, what is sent, what is asked, what the answers mean."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from canonical.json_templates import fields
from canonical.profiles import Model

Seconds = Annotated[float, Field(gt=0)]
PARCEL_FIELDS = frozenset({
    "submission_id", "name", "payments", "sum_minor", "control_sum", "currency", "sha256", "sha256_base64", "size",
})  # fmt: skip
"""What a template of a whole file may name; besides what earlier steps took from their answers."""
LINE_FIELDS = frozenset({"submission_id", "reference", "body"})
"""What a template of one payment may name."""


class Authentication(Model):
    """How we prove who we are. Secrets are named, never written here.

    `bearer`, `basic` (user name, secret): a fixed secret. `client_credentials`: OAuth 2.0 with client_id and a secret.
    `private_key_jwt`: the same with a signed assertion (RFC 7523); the secret is a PEM key (with `key_id`) or a JWKS whose
    keys are tried in order, so that a new one may stand first while the provider still knows only the old one.
    """

    kind: Literal["none", "bearer", "basic", "client_credentials", "private_key_jwt"] = "none"
    secret: str | None = None
    username: str = ""
    token_url: str | None = None
    client_id: str = ""
    scope: str | None = None
    audience: str | None = None
    key_id: str | None = None
    algorithm: Literal["PS256", "RS256", "ES256", "EdDSA"] = "PS256"

    @model_validator(mode="after")
    def _whole(self) -> Authentication:
        if self.kind != "none" and self.secret is None:
            raise ValueError(f"{self.kind} needs the name of a secret")
        if self.kind in {"client_credentials", "private_key_jwt"} and not (self.token_url and self.client_id):
            raise ValueError(f"{self.kind} needs token_url and client_id")
        return self


class Idempotency(Model):
    """The header that names a request, and for how long the provider promises to know it. 0: no promise."""

    header: str = "Idempotency-Key"
    lifetime_s: float = Field(default=0.0, ge=0)


class Signature(Model):
    """A detached JWS over each JSON body (RFC 7515, appendix F), in a header; key and secret as for `private_key_jwt`."""

    header: str = "x-jws-signature"
    secret: str
    key_id: str | None = None
    algorithm: Literal["PS256", "RS256", "ES256", "EdDSA"] = "PS256"


class Call(Model):
    """One request. `body`: a JSON template; `send`: how it goes out, or "file" for the parcel's own bytes.

    `take`: name → path in the answer, for later templates.
    """

    method: Literal["POST", "PUT", "PATCH"] = "POST"
    path: str
    send: Literal["json", "form", "file"] = "json"
    content_type: str | None = None
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012  pydantic copies it
    take: dict[str, str] = {}  # noqa: RUF012  pydantic copies it


class Meaning(Model):
    """What an answer to a release means. Paths lead into its JSON.

    `refused`: HTTP statuses that say that the provider did nothing and will not. `statuses`: provider's status → ISO status;
    what is not listed is `accepted`. `reasons`: provider's code → ISO reason code; what is not listed is NARR.
    """

    trace: str | None = "id"
    status: str | None = None
    statuses: dict[str, str] = {}  # noqa: RUF012  pydantic copies it
    accepted: str = "ACCP"
    refused: tuple[int, ...] = (400, 402, 404, 410, 422)
    reason: str | None = "error.code"
    reasons: dict[str, str] = {}  # noqa: RUF012  pydantic copies it
    text: str | None = "error.message"


class Paging(Model):
    """How a list goes on. `next`: path to the next page's URL. Or `parameter` with `cursor`, a path to its next value.

    The path begins in the page or, with `of_last_item`, in its last item. `more`: path to a true value where a page follows.
    """

    next: str | None = None
    parameter: str | None = None
    cursor: str | None = None
    of_last_item: bool = False
    more: str | None = None
    pages_max: int = Field(default=200, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Paging:
        if (self.next is None) == (self.parameter is None) or (self.parameter is None) != (self.cursor is None):
            raise ValueError("name either next, or parameter with cursor")
        return self


class Enquiry(Model):
    """How the provider is asked what became of a request. `get` names one by `{reference}` (or `{submission_id}`) or lists all.

    `match`: path in an item that holds our reference. `absent_after_s`: promised by the provider: a request that it does not
    show so long after is not there and never will be. Without the promise absence proves nothing.
    """

    get: str
    items: str = ""
    match: str
    paging: Paging | None = None
    absent_after_s: float | None = Field(default=None, gt=0)


class Listing(Model):
    """What is pulled as feedback, archived as `name`. `{trace}` or `{submission_id}` in `get`: one a submission that waits."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]
    get: str
    items: str = ""
    paging: Paging | None = None


class HttpApiOptions(Model):
    """`per`: each payment is a request (the parcel holds one JSON line a payment, as export `json` writes it), or the file is.

    `steps`: requests before the release of a file, which by themselves move nothing. `block`: payments begun together.
    `faults_max`: after so many faults in a row nothing is sent for `rest_s`. `send_window_s`: after so long a worker sends nothing any more of what it began. `rate_per_s`: most requests a second.
    """

    base_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
    authentication: Authentication = Authentication()
    client_certificate_secret: str | None = None
    certificate_authorities_secret: str | None = None
    headers: dict[str, str] = {}  # noqa: RUF012  pydantic copies it
    per: Literal["payment", "file"]
    steps: tuple[Call, ...] = ()
    release: Call
    idempotency: Idempotency = Idempotency()
    signature: Signature | None = None
    meaning: Meaning = Meaning()
    enquiry: Enquiry | None = None
    feedback: tuple[Listing, ...] = ()
    block: int = Field(default=20, ge=1, le=1000)
    at_once: int = Field(default=1, ge=1, le=32)
    timeout_s: Seconds = 30.0
    send_window_s: Seconds = 120.0
    tries: int = Field(default=3, ge=1, le=10)
    wait_max_s: Seconds = 60.0
    rate_per_s: float | None = Field(default=None, gt=0)
    faults_max: int = Field(default=5, ge=1)
    rest_s: Seconds = 60.0

    @property
    def silent_s(self) -> float:
        """After so long nothing of a begun request can still be on its way: connecting, writing and reading have a limit each."""
        return self.send_window_s + 3 * self.timeout_s

    @property
    def release_terms(self) -> str:
        """Digest of what a release is by this profile: where it goes, as whom, and in which form. Secrets may change, and are not in it."""
        who = self.authentication.model_dump(include={"kind", "username", "client_id"})
        release = self.release.model_dump(mode="json")
        said = [self.base_url, self.per, self.headers, who, release, self.idempotency.header]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]

    @model_validator(mode="after")
    def _templates(self) -> HttpApiOptions:
        known = set(PARCEL_FIELDS if self.per == "file" else LINE_FIELDS)
        for call in (*self.steps, self.release):
            named = {*fields(call.path), *fields(call.body), *fields(call.headers)}
            if unknown := sorted(named - known):
                raise ValueError(
                    f"{call.path}: nothing gives {', '.join(unknown)}; known are {', '.join(sorted(known))}"
                )
            known |= set(call.take)
        if self.per == "payment" and (self.steps or self.release.send == "file"):
            raise ValueError("steps and send: file belong to per: file")
        return self

    @model_validator(mode="after")
    def _times(self) -> HttpApiOptions:
        if 0 < self.idempotency.lifetime_s <= self.silent_s:
            raise ValueError("idempotency.lifetime_s must be longer than send_window_s and three timeout_s together")
        absent = self.enquiry.absent_after_s if self.enquiry else None
        if absent is not None and absent <= self.silent_s:
            raise ValueError("enquiry.absent_after_s must be longer than send_window_s and three timeout_s together")
        return self
