"""People who sign in through a provider of identities: a small one on this machine signs their tokens, or seems to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient

from calls_v2 import PREFIX, problem
from eventsieve.api import identity
from eventsieve.api.app import create_app
from eventsieve.api.identity import Identities, identities_of
from eventsieve.errors import BadConfiguration, NotReady, NotSignedIn
from eventsieve.records import AccessRole
from eventsieve.settings import Settings, read_settings

jwt = pytest.importorskip("jwt", reason="pyjwt is not installed; pip install 'eventsieve[oidc]'")
crypto = pytest.importorskip("cryptography.hazmat.primitives.asymmetric")
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: E402 - of the extra
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402


class Provider:
    """A provider of identities with a key for each name that it is asked for."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"one": rsa.generate_private_key(65537, 2048)}
        self.asked: list[str] = []
        self.says: dict[str, Any] = {}
        provider = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                data = json.dumps(provider.document(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/realm"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def document(self, path: str) -> Any:
        if path.endswith("openid-configuration"):
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | self.says
        return {"keys": [self.public(name) for name in self.keys]}

    def public(self, name: str) -> dict[str, Any]:
        kind = jwt.algorithms.ECAlgorithm if name.startswith("ec") else jwt.algorithms.RSAAlgorithm
        return kind.to_jwk(self.keys[name].public_key(), as_dict=True) | {"kid": name, "use": "sig"}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        known = {"iss": self.issuer, "aud": "sieve", "sub": "42", "email": "eva@example.org", "iat": now,
                 "exp": now + 300, "groups": ["physics"]}  # fmt: skip
        return {name: value for name, value in (known | changes).items() if value is not None}

    def token(self, kid: str = "one", algorithm: str = "RS256", **changes: Any) -> str:
        return str(jwt.encode(self.claims(**changes), self.keys[kid], algorithm, {"kid": kid}))

    def stop(self) -> None:
        if not self.thread.is_alive():
            return
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.stop()


def settings_of(issuer: str, **more: Any) -> Settings:
    known = {
        "AUTH": True, "OIDC_ISSUER": issuer, "OIDC_AUDIENCE": "sieve", "OIDC_ROLE_CLAIM": "groups",
        "OIDC_ROLES": {"physics": "trainer", "chiefs": "admin", "guests": "reader"},
    }  # fmt: skip
    return read_settings(**(known | more))


@pytest.fixture
def identities(provider: Provider) -> Identities:
    found = identities_of(settings_of(provider.issuer))
    assert found is not None
    return found


def test_a_token_of_the_provider_tells_who_it_is(provider, identities):
    actor = identities.actor(provider.token())
    assert (actor.name, actor.role, actor.key) == ("eva@example.org", AccessRole.TRAINER, None)
    provider.keys["ec"] = ec.generate_private_key(ec.SECP256R1())
    assert identities_of(identities._settings).actor(provider.token("ec", "ES256")).name == "eva@example.org"


def test_the_highest_role_holds(provider, identities):
    assert identities.actor(provider.token(groups=["guests", "chiefs", 7, "others"])).role is AccessRole.ADMIN
    assert identities.actor(provider.token(groups="guests")).role is AccessRole.READER


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"exp": 1_000_000_000}, "expired"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
        ({"aud": "another"}, "Audience"),
        ({"aud": ["sieve", "another"]}, "another client"),
        ({"iss": "https://elsewhere.example.org"}, "issuer"),
        ({"exp": None}, "exp"),
        ({"aud": None}, "aud"),
        ({"email": None}, "email"),
        ({"email": ""}, "email"),
        ({"email": "root"}, "no address"),
        ({"email": "a\nb@example.org"}, "email"),
        ({"email": "a" * 120 + "@example.org"}, "longer"),
        ({"email_verified": False}, "verified"),
        ({"email_verified": "false"}, "verified"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_a_token_that_does_not_hold_is_refused(provider, identities, changes, says):
    with pytest.raises(NotSignedIn, match=says):
        identities.actor(provider.token(**changes))


def test_a_token_for_several_clients_that_was_made_for_this_one_holds(provider, identities):
    assert identities.actor(provider.token(aud=["sieve", "another"], azp="sieve")).role is AccessRole.TRAINER


def forged(header: dict[str, Any], claims: dict[str, Any], secret: bytes = b"") -> str:
    """A token as libraries would not make one."""

    def packed(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    text = ".".join(packed(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest() if secret else b""
    return f"{text}.{packed(signature)}"


def test_forged_tokens_are_refused(provider, identities):
    public = provider.keys["one"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    stranger = rsa.generate_private_key(65537, 2048)
    for token in (
        forged({"alg": "none", "kid": "one"}, provider.claims()),
        forged({"alg": "None", "kid": "one"}, provider.claims()),
        forged({"alg": "HS256", "kid": "one"}, provider.claims(), pem),
        forged({"alg": "ES256", "kid": "one"}, provider.claims(), b"x"),
        forged({"alg": "RS256"}, provider.claims(), b"x"),
        forged({"alg": "RS256", "kid": ["one"]}, provider.claims(), b"x"),
        jwt.encode(provider.claims(), stranger, "RS256", {"kid": "one"}),
        jwt.encode(provider.claims(), stranger, "RS256", {"kid": "one", "jwk": {"kty": "RSA"}, "jku": "http://x/"}),
        provider.token()[:-8] + "AAAAAAAA",
        "..",
        "a.b.c",
    ):
        with pytest.raises(NotSignedIn, match="does not hold"):
            identities.actor(token)


def test_keys_that_the_provider_changes_are_found_and_strangers_do_not_make_us_ask(provider, identities, monkeypatch):
    monkeypatch.setattr(identity, "UNKNOWN_SECONDS", 3600.0)
    identities.actor(provider.token())
    provider.keys["two"] = rsa.generate_private_key(65537, 2048)
    asked = len(provider.asked)
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            identities.actor(provider.token("two"))
    assert len(provider.asked) == asked
    monkeypatch.setattr(identity, "UNKNOWN_SECONDS", 0.0)
    patient = identities_of(identities._settings)
    patient.actor(provider.token())
    del provider.keys["one"]
    provider.keys["three"] = rsa.generate_private_key(65537, 2048)
    assert patient.actor(provider.token("three")).name == "eva@example.org"


def test_where_there_is_no_role_the_default_holds_or_he_is_refused(provider, identities):
    with pytest.raises(identity.NotAllowed, match=r"eva@example\.org has no role"):
        identities.actor(provider.token(groups=["strangers"]))
    kindly = identities_of(settings_of(provider.issuer, OIDC_DEFAULT_ROLE="trainer"))
    assert kindly.actor(provider.token(groups=None)).role is AccessRole.TRAINER
    assert kindly.actor(provider.token(groups="guests")).role is AccessRole.READER
    nested = identities_of(settings_of(provider.issuer, OIDC_ROLE_CLAIM="realm_access.roles"))
    assert nested.actor(provider.token(realm_access={"roles": ["chiefs"]})).role is AccessRole.ADMIN


def test_a_chosen_name_cannot_be_anothers_address(provider):
    known = identities_of(settings_of(provider.issuer, OIDC_NAME_CLAIM="preferred_username"))
    assert known.actor(provider.token(preferred_username="eva@example.org")).name == "eva@example.org@127.0.0.1"
    assert known.actor(provider.token(preferred_username="root")).name == "root@127.0.0.1"


def test_a_provider_that_is_down_or_is_another_is_told(provider, identities, monkeypatch):
    other = identities_of(settings_of(provider.issuer + "/"))
    with pytest.raises(NotReady, match="calls itself"):
        other.actor(provider.token())
    provider.says = {"jwks_uri": "file:///etc/passwd"}
    with pytest.raises(NotReady, match="jwks_uri"):
        identities_of(identities._settings).actor(provider.token())
    provider.says = {}
    token = provider.token()
    provider.stop()
    with pytest.raises(NotReady, match="does not answer") as refused:
        identities.actor(token)
    assert refused.value.retry_after > 0
    with pytest.raises(NotReady, match="a moment ago"):  # and is left in peace for a while
        identities.actor(token)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"OIDC_AUDIENCE": "sieve"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://a.example.org"}, "AUTH=true"),
        ({"OIDC_ISSUER": "https://a.example.org", "AUTH": True}, "OIDC_AUDIENCE"),
        ({"OIDC_ISSUER": "http://a.example.org", "AUTH": True, "OIDC_AUDIENCE": "s"}, "https://"),
        ({"OIDC_ISSUER": "a", "AUTH": True, "OIDC_AUDIENCE": "s"}, "https://"),
        ({"OIDC_ISSUER": "https://a.example.org", "AUTH": True, "OIDC_AUDIENCE": "s", "OIDC_ROLE_CLAIM": "g"}, "both"),
    ],
    ids=["alone", "no auth", "no audience", "no https", "no address", "no roles"],
)
def test_settings_that_do_not_go_together_are_refused_at_the_start(settings, says):
    with pytest.raises(BadConfiguration, match=says):
        create_app(read_settings(**settings))


def test_without_the_package_it_is_told_what_to_install(provider, monkeypatch):
    monkeypatch.setattr(identity, "find_spec", lambda name: None)
    with pytest.raises(BadConfiguration, match=r"eventsieve\[oidc\]"):
        identities_of(settings_of(provider.issuer))


def test_over_http_a_token_signs_in_and_a_session_lasts(provider, tmp_path, monkeypatch):
    folders = {"MODEL_DIR": tmp_path / "models", "LOG_DIR": tmp_path / "logs", "PDF_PATH": "", "NUM_CPUS": 4}
    with TestClient(create_app(settings_of(provider.issuer, **folders))) as http:

        def ask(token: str, method: str, path: str) -> Any:
            return http.request(method, PREFIX + path, headers={"Authorization": f"Bearer {token}"})

        assert http.get(f"{PREFIX}/access").json() == {"required": True, "oidc": True, "actor": None}
        opened = ask(provider.token(), "POST", "/sessions")
        assert (opened.status_code, opened.json()["name"]) == (201, "eva@example.org")
        problem(ask(provider.token(groups=[]), "GET", "/models"), 403, "NotAllowed", "no role")
        problem(ask(provider.token(exp=1_000_000_000), "GET", "/models"), 401, "NotSignedIn", "expired")
        monkeypatch.setattr(Identities, "_client", _fail)
        refused = ask(provider.token(sub="another"), "GET", "/models")
        problem(refused, 503, "NotReady", "does not answer")
        assert int(refused.headers["retry-after"]) > 0
        assert ask(opened.json()["token"], "GET", "/access").json()["actor"]["role"] == "trainer"


def _fail(identities: Identities) -> Any:
    raise identities._unreachable(ValueError("it is down"))
