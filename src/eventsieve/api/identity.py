"""Identities: people who sign in through a provider (OpenID Connect), known by the ID tokens that it signs."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2

from eventsieve.errors import BadConfiguration, NotAllowed, NotReady, NotSignedIn
from eventsieve.machine import is_loopback
from eventsieve.records import AccessRole, Actor
from eventsieve.settings import Settings

if TYPE_CHECKING:
    from jwt import PyJWKClient

__all__ = ["Identities", "identities_of"]

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a key of two parts: of others, whoever can check one can make one."""
LEEWAY_SECONDS: Final = 30
PROVIDER_SECONDS: Final = 5.0
"""How long the provider may take to answer."""
PAUSE_SECONDS: Final = 5.0
"""How long nobody asks again a provider that has not answered."""
KEYS_SECONDS: Final = 600
"""How long the provider's keys are believed to be its keys."""
UNKNOWN_SECONDS: Final = 10.0
"""How often at most they are asked for because of a key that is not known: anybody can name one."""
BELIEVED_SECONDS: Final = 60.0
MOST_BELIEVED: Final = 1024
LONGEST_NAME: Final = 128


def identities_of(settings: Settings) -> Identities | None:
    """Those who sign in through the provider of the settings; ``None`` where there is none.

    Raises:
        BadConfiguration: the settings do not go together, or the package is not installed.
    """
    if settings.OIDC_ISSUER is None:
        named = [name for name in ("OIDC_AUDIENCE", "OIDC_ROLE_CLAIM", "OIDC_ROLES", "OIDC_DEFAULT_ROLE")
                 if getattr(settings, name)]  # fmt: skip
        if named:
            raise BadConfiguration(f"{', '.join(named)} means nothing without OIDC_ISSUER; set that, or leave it out.")
        return None
    if not settings.AUTH:
        raise BadConfiguration("OIDC_ISSUER means nothing without AUTH=true; set that, or leave OIDC_ISSUER out.")
    if not settings.OIDC_AUDIENCE:
        raise BadConfiguration(
            "OIDC_ISSUER needs OIDC_AUDIENCE, the client id at the provider: without it, a token that was made for any "
            "other of the provider's clients would open this server."
        )
    if bool(settings.OIDC_ROLE_CLAIM) != bool(settings.OIDC_ROLES):
        raise BadConfiguration("OIDC_ROLE_CLAIM and OIDC_ROLES mean nothing without each other; set both, or neither.")
    _check_address("OIDC_ISSUER", settings.OIDC_ISSUER)
    if find_spec("jwt") is None or find_spec("cryptography") is None:
        raise BadConfiguration(
            "OIDC_ISSUER needs packages that are not installed. Install them: pip install 'eventsieve[oidc]'"
        )
    return Identities(settings, settings.OIDC_ISSUER)


class Identities:
    """Turns ID tokens into those who act; the provider is asked for its keys when the first one comes.

    Args:
        settings: checked by `identities_of`.
        issuer: the provider, as its tokens name it.
    """

    def __init__(self, settings: Settings, issuer: str) -> None:
        self._issuer = issuer
        self._settings = settings
        self._lock = threading.Lock()
        self._keys: PyJWKClient | None = None
        self._failed = -PAUSE_SECONDS
        self._believed: OrderedDict[str, tuple[Actor, float]] = OrderedDict()

    def actor(self, token: str) -> Actor:
        """Whom an ID token names, and his role.

        Raises:
            NotSignedIn: it does not hold: forged, expired, of another provider, for another client.
            NotAllowed: he has no role here.
            NotReady: the provider does not answer.
        """
        digest = hashlib.sha256(token.encode()).hexdigest()
        with self._lock:
            believed = self._believed.get(digest)
        if believed is not None and time.time() < believed[1]:
            return believed[0]
        claims = self._claims(token)
        actor = Actor(name=self._name(claims), role=self._role(claims))
        with self._lock:
            self._believed[digest] = actor, min(float(claims["exp"]), time.time() + BELIEVED_SECONDS)
            while len(self._believed) > MOST_BELIEVED:
                self._believed.popitem(last=False)
        return actor

    def _claims(self, token: str) -> dict[str, Any]:
        import jwt  # noqa: PLC0415 - of an extra

        try:
            key = self._client().get_signing_key_from_jwt(token).key
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._settings.OIDC_AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise self._unreachable(error) from error
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise NotSignedIn(f"The ID token does not hold ({error}); sign in again at {self._issuer}.") from error
        if (
            isinstance(claims["aud"], list)
            and len(claims["aud"]) > 1
            and claims.get("azp") != self._settings.OIDC_AUDIENCE
        ):
            raise NotSignedIn(f"The ID token was made for another client; sign in again at {self._issuer}.")
        return claims

    def _client(self) -> PyJWKClient:
        """What knows the provider's keys.

        Raises:
            NotReady: the provider does not answer, or not as one does.
        """
        import jwt  # noqa: PLC0415

        with self._lock:
            if time.monotonic() - self._failed < PAUSE_SECONDS:
                raise NotReady(self._sentence("has not answered a moment ago"), int(PAUSE_SECONDS))
            if self._keys is not None:
                return self._keys
        try:
            address = self._discovered()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError, BadConfiguration) as error:
            raise self._unreachable(error) from error
        with self._lock:
            self._keys = self._keys or jwt.PyJWKClient(
                address, lifespan=KEYS_SECONDS, timeout=PROVIDER_SECONDS, cooldown_duration=UNKNOWN_SECONDS
            )
            return self._keys

    def _discovered(self) -> str:
        """Where the provider has its keys, by its own description."""
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        trust_env = not is_loopback(urlsplit(self._issuer).hostname or "")
        answer = httpx2.get(url, timeout=PROVIDER_SECONDS, trust_env=trust_env).raise_for_status().json()
        if answer["issuer"] != self._issuer:
            raise ValueError(f"it calls itself {answer['issuer']!r}; set OIDC_ISSUER to that")
        _check_address("jwks_uri", answer["jwks_uri"])
        return str(answer["jwks_uri"])

    def _unreachable(self, error: Exception) -> NotReady:
        with self._lock:
            self._failed = time.monotonic()
        return NotReady(self._sentence(f"does not answer as it should ({error})"), int(PAUSE_SECONDS))

    def _sentence(self, what: str) -> str:
        return f"The provider of identities {self._issuer} {what}; try again soon, or use a key."

    def _name(self, claims: dict[str, Any]) -> str:
        """Who it is; always with an @, which no name of a key has.

        Raises:
            NotSignedIn: the token does not say.
        """
        claim = self._settings.OIDC_NAME_CLAIM
        name = claims.get(claim)
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise NotSignedIn(f"The ID token has no claim {claim!r}, by which this server knows people.")
        if claim != "email":
            # What somebody may choose for himself at the provider must not be another's address.
            name = f"{name.strip()}@{urlsplit(self._issuer).hostname}"
        elif str(claims.get("email_verified", True)).lower() == "false":
            raise NotSignedIn(f"The provider has not verified that {name} is yours; do so at {self._issuer}.")
        elif "@" not in name:
            raise NotSignedIn(f"The claim 'email' of the ID token is no address: {name[:LONGEST_NAME]!r}.")
        if len(name) > LONGEST_NAME:
            raise NotSignedIn(f"The claim {claim!r} of the ID token is longer than {LONGEST_NAME} characters.")
        return name.strip()

    def _role(self, claims: dict[str, Any]) -> AccessRole:
        given = self._settings.OIDC_ROLES
        found = [given[value] for value in _values(claims, self._settings.OIDC_ROLE_CLAIM) if value in given]
        if not found and self._settings.OIDC_DEFAULT_ROLE is not None:
            return self._settings.OIDC_DEFAULT_ROLE
        if not found:
            raise NotAllowed(
                f"{self._name(claims)} has no role on this server; ask who runs it for one (its settings OIDC_ROLES "
                f"and OIDC_DEFAULT_ROLE)."
            )
        return max(found, key=list(AccessRole).index)


def _values(claims: dict[str, Any], claim: str | None) -> Iterator[str]:
    """The texts of a claim, itself a text or a list of them; points lead into objects."""
    found: Any = claims
    if claim in claims:
        found = claims[claim]
    else:
        for step in (claim or "").split("."):
            found = found.get(step) if isinstance(found, dict) else None
    yield from (each for each in (found if isinstance(found, list) else [found]) if isinstance(each, str))


def _check_address(what: str, url: object) -> None:
    """Refuse what is not encrypted, but on this machine."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    near = parts.hostname == "localhost" or bool(is_loopback(parts.hostname or ""))
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and near)):
        raise BadConfiguration(f"{what} must be an address that begins with https://, not {url!r}.")
