"""Proof of who we are: fixed secrets, OAuth 2.0 client credentials, and assertions signed with our own key (RFC 7521, 7523)."""

from __future__ import annotations

import json
import ssl
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeyParameters, KeySet, OKPKey, RSAKey

from canonical.errors import ConfigError, OutsideError, TransientError
from providers._http_options import Authentication, HttpApiOptions, Signature

Secret = Callable[[str], str]
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE_S: Final = 60
_EARLY_S: Final = 30.0
"""A token is renewed so long before its end."""
_PEM: Final[dict[str, type[RSAKey | ECKey | OKPKey]]] = {
    "PS256": RSAKey,
    "RS256": RSAKey,
    "ES256": ECKey,
    "EdDSA": OKPKey,
}


@dataclass(slots=True)
class _Token:
    text: str
    ends_at: float


class Proof(httpx2.Auth):
    """Puts the proof on every request. A 401 renews the token, or rereads the secret, and asks once more."""

    def __init__(self, options: Authentication, secret: Secret, client: httpx2.Client) -> None:
        self._options, self._secret, self._client = options, secret, client
        self._token: _Token | None = None

    def auth_flow(self, request: httpx2.Request) -> Iterator[httpx2.Request]:  # type: ignore[override]  # a generator is one
        """httpx2's hook."""
        self._prove(request)
        answer = yield request
        # 401 says that nothing was done, so that the same request may go again with a new proof.
        if answer is not None and answer.status_code == httpx2.codes.UNAUTHORIZED and self._options.kind != "none":
            self._token = None
            self._prove(request)
            yield request

    def _prove(self, request: httpx2.Request) -> None:
        options = self._options
        if options.kind == "none" or options.secret is None:
            return
        if options.kind == "basic":
            for prepared in httpx2.BasicAuth(options.username, self._secret(options.secret).strip()).auth_flow(request):
                request.headers["Authorization"] = prepared.headers["Authorization"]
                return
        text = self._secret(options.secret).strip() if options.kind == "bearer" else self._current()
        request.headers["Authorization"] = f"Bearer {text}"

    def _current(self) -> str:
        if self._token is None or time.monotonic() >= self._token.ends_at:
            self._token = self._fetch()
        return self._token.text

    def _fetch(self) -> _Token:
        refusal = ""
        for proof in self._proofs():
            form = {"grant_type": "client_credentials", "client_id": self._options.client_id, **proof}
            if self._options.scope:
                form["scope"] = self._options.scope
            answer = self._ask(form)
            if answer.status_code == httpx2.codes.OK:
                return _token(answer)
            refusal = f"{answer.status_code} {_error(answer)}"
        raise OutsideError(f"the authorisation server gives no token: {refusal}")

    def _ask(self, form: dict[str, str]) -> httpx2.Response:
        try:
            answer = self._client.post(str(self._options.token_url), data=form, auth=httpx2.Auth())
        except httpx2.TransportError as fault:
            raise TransientError(f"the authorisation server does not answer: {type(fault).__name__}") from fault
        if (
            answer.status_code == httpx2.codes.TOO_MANY_REQUESTS
            or answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR
        ):
            raise TransientError(f"the authorisation server says {answer.status_code}")
        return answer

    def _proofs(self) -> Iterator[dict[str, str]]:
        text = self._secret(str(self._options.secret))
        if self._options.kind == "client_credentials":
            yield {"client_secret": text.strip()}
            return
        for key in signing_keys(text, self._options):
            yield {"client_assertion_type": _ASSERTION, "client_assertion": _assertion(key, self._options)}


def detached(data: bytes, options: Signature, secret: Secret) -> str:
    """Detached JWS of a body. Raises ConfigError: the secret is no key."""
    key = signing_keys(secret(options.secret), options)[0]
    header = {"alg": options.algorithm, **({"kid": key.kid} if key.kid else {})}
    protected, _, signature = jws.serialize_compact(header, data, key, algorithms=[options.algorithm]).split(".")
    return f"{protected}..{signature}"


def signing_keys(text: str, options: Authentication | Signature) -> list[Key]:
    """Our keys, the first to be tried first.

    Raises:
        ConfigError: neither a JWKS nor a PEM private key of the algorithm's kind.
    """
    try:
        if text.lstrip().startswith("{"):
            found = json.loads(text)
            keys = list(KeySet.import_key_set(found if "keys" in found else {"keys": [found]}).keys)
        else:
            named: KeyParameters = {"kid": options.key_id} if options.key_id else {}
            keys = [_PEM[options.algorithm].import_key(text, named)]
    except (ValueError, TypeError, KeyError, JoseError) as fault:
        raise ConfigError(f"secret {options.secret!r} is neither a JWKS nor a PEM private key") from fault
    fit: list[Key] = [key for key in keys if key.is_private and isinstance(key, _PEM[options.algorithm])]
    if not fit:
        raise ConfigError(f"secret {options.secret!r} holds no private key for {options.algorithm}")
    return fit


def _assertion(key: Key, options: Authentication) -> str:
    now = int(time.time())
    header: dict[str, Any] = {"alg": options.algorithm, "typ": "JWT"}
    if key.kid:
        header["kid"] = key.kid
    claims = {
        "iss": options.client_id, "sub": options.client_id, "aud": options.audience or options.token_url,
        "iat": now, "exp": now + _ASSERTION_LIFE_S, "jti": uuid.uuid4().hex,
    }  # fmt: skip
    return jwt.encode(header, claims, key, algorithms=[options.algorithm])


def _token(answer: httpx2.Response) -> _Token:
    try:
        found = answer.json()
        text, life_s = str(found["access_token"]), float(found.get("expires_in", 0))
    except (ValueError, KeyError, TypeError) as fault:
        raise OutsideError("the authorisation server's answer holds no token") from fault
    return _Token(text, time.monotonic() + max(life_s - _EARLY_S, 0.0))


def _error(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("error", ""))[:80]
    except (ValueError, AttributeError):
        return ""


def trust(options: HttpApiOptions, secret: Secret) -> ssl.SSLContext:
    """TLS as the profile says: certificate authorities of its own, our certificate for mutual TLS.

    Raises:
        ConfigError: a secret is no certificate, or no key that fits it.
    """
    authorities = options.certificate_authorities_secret
    try:
        context = ssl.create_default_context(cadata=secret(authorities) if authorities else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if options.client_certificate_secret:
            with tempfile.TemporaryDirectory(prefix="bulkrail-") as folder:
                path = Path(folder) / "certificate.pem"
                path.touch(mode=0o600)
                path.write_text(secret(options.client_certificate_secret), encoding="ascii")
                context.load_cert_chain(path)
    except (ssl.SSLError, ValueError) as fault:
        raise ConfigError("a secret is no PEM certificate with its key") from fault
    return context
