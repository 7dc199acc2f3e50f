"""What a token must be to be believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people.jose import claims, encrypted, signed
from kitamae.kernel.people.jose.claims import LEEWAY, Expected
from kitamae.kernel.people.jose.encoding import BadToken, decode, encode, members
from kitamae.kernel.people.jose.keys import Key, Keys

NOW = 1_800_000_000
KEY = Key.make("one")
OTHER = Key.make("two")
KEYS = Keys((Key.read(KEY.public()), Key.read(OTHER.public())))
SAID: dict[str, Any] = {
    "iss": "https://city.example.jp",
    "aud": "bus",
    "sub": "p1",
    "iat": NOW,
    "exp": NOW + 300,
    "nonce": "n",
}
EXPECTED = Expected("https://city.example.jp", {"bus"}, {"JWT"}, NOW, nonce="n", client="bus", oldest=600)


def token(key: Key = KEY, typ: str = "JWT", **changes: Any) -> str:
    said = {name: value for name, value in {**SAID, **changes}.items() if value is not None}
    return claims.issue(said, key, "ES256", typ=typ)


def forged(header: dict[str, Any], payload: bytes = b"{}", signature: bytes = b"x" * 64) -> str:
    return ".".join(map(encode, (json.dumps(header).encode(), payload, signature)))


@given(st.binary(max_size=200))
def test_bytes_come_back_from_base64url(content: bytes) -> None:
    assert decode(encode(content)) == content


@given(st.text(alphabet="AZaz09-_+/= \n.", max_size=12))
def test_a_text_is_decoded_only_if_encoding_gives_it_back(text: str) -> None:
    try:
        content = decode(text)
    except BadToken:
        return
    assert encode(content) == text


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b"[1]", b"1", b"", b"\xff{}", b'{"a":NaN}', b'{"a":1e999}',
        b'{"a":' * 60 + b"1" + b"}" * 60, b"[" * 30_000, b'{"a":' + b"9" * 6000 + b"}", b'{"a":"' + b"x" * 40_000 + b'"}',
    ],
)  # fmt: skip
def test_json_that_is_ambiguous_endless_or_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(BadToken):
        members(text)


def test_a_token_that_holds_is_believed() -> None:
    assert claims.believe(token(), KEYS, ["ES256"], EXPECTED)["sub"] == "p1"
    assert claims.believe(token(aud=["bus"], azp="bus"), KEYS, ["ES256"], EXPECTED)["aud"] == ["bus"]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://city.example.jp/"}, {"iss": None}, {"aud": "train"}, {"aud": ["bus", "train"]}, {"aud": []},
        {"aud": None}, {"aud": [1]}, {"azp": "train"}, {"nonce": "m"}, {"nonce": None}, {"sub": ""}, {"sub": None},
        {"sub": 7}, {"sub": "x" * 256}, {"exp": None}, {"iat": None}, {"exp": NOW - LEEWAY}, {"iat": NOW + LEEWAY + 1},
        {"nbf": NOW + LEEWAY + 1}, {"exp": True}, {"exp": "tomorrow"}, {"exp": 1e300}, {"iat": -1},
        {"iat": NOW - 600 - LEEWAY - 1},
    ],
)  # fmt: skip
def test_a_token_for_somebody_else_or_another_time_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        claims.believe(token(**changes), KEYS, ["ES256"], EXPECTED)


def test_clocks_may_differ_by_a_minute() -> None:
    for changes in ({"exp": NOW - LEEWAY + 1}, {"iat": NOW + LEEWAY}, {"nbf": NOW + LEEWAY}):
        assert claims.believe(token(**changes), KEYS, ["ES256"], EXPECTED)


def test_a_token_that_was_made_for_something_else_is_refused() -> None:
    for typ in ("at+jwt", "logout+jwt", ""):
        with pytest.raises(BadToken):
            claims.believe(token(typ=typ), KEYS, ["ES256"], EXPECTED)
    assert claims.believe(token(typ="application/jwt"), KEYS, ["ES256"], EXPECTED)


def test_a_token_without_a_signature_is_refused() -> None:
    said = json.dumps(SAID).encode()
    for alg in ("none", "None", "NONE", "", "HS256"):
        for signature in (b"", b"x" * 64):
            with pytest.raises(BadToken):
                signed.verify(forged({"alg": alg}, said, signature), KEYS, ["ES256", alg])


def test_a_public_key_is_no_secret_for_hmac() -> None:
    published = json.dumps(KEY.public()).encode()
    secret = Key.read({"kty": "oct", "k": encode(published), "alg": "HS256", "use": "sig"})
    confused = claims.issue(SAID, secret, "HS256", typ="JWT")
    with pytest.raises(BadToken):
        signed.verify(confused, KEYS, ["ES256", "HS256"])


def test_a_key_that_comes_along_is_not_looked_at() -> None:
    stranger = Key.make("one")
    brought = signed.sign(json.dumps(SAID).encode(), stranger, "ES256")
    header = {"alg": "ES256", "kid": "one", "jwk": stranger.public(), "jku": "https://stranger.example"}
    with pytest.raises(BadToken):
        signed.verify(
            ".".join([encode(json.dumps(header).encode()), *brought.split(".")[1:]]), KEYS, ["ES256"]
        )


def test_an_extension_that_is_demanded_is_refused() -> None:
    for more in ({"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False, "crit": ["b64"]}, {"b64": True}):
        with pytest.raises(BadToken, match="extension"):
            signed.verify(forged({"alg": "ES256", "kid": "one", **more}), KEYS, ["ES256"])


def test_a_key_that_is_not_for_signing_verifies_nothing() -> None:
    made = token()
    for changes in (
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": []},
        {"alg": "ES384"},
        {"use": ["sig"]},
    ):
        keys = Keys((Key.read({**KEY.public(), **changes}),))
        with pytest.raises(BadToken):
            signed.verify(made, keys, ["ES256"])


def test_an_algorithm_that_is_not_expected_is_refused_though_the_key_knows_it() -> None:
    with pytest.raises(BadToken):
        signed.verify(token(), KEYS, ["RS256"])


@pytest.mark.parametrize(
    "document",
    [
        [], "key", {}, {"kty": "none"}, {"kty": 1}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "oct", "k": "A="},
        {**KEY.public(), "x": KEY.public()["y"]}, {**KEY.public(), "kid": 5}, {**KEY.public(), "key_ops": "verify"},
    ],
)  # fmt: skip
def test_a_key_that_is_malformed_is_refused(document: Any) -> None:
    with pytest.raises(BadToken):
        Key.read(document)


def test_of_a_published_set_the_keys_that_are_not_known_here_are_left_out() -> None:
    found = Keys.read({"keys": [KEY.public(), {"kty": "PQ", "kid": "new"}]}, usable_only=True)
    assert [key.kid for key in found.all] == ["one"]
    for bad in ({"keys": [KEY.public(), KEY.public()]}, {"keys": {}}, {"keys": [KEY.public()] * 101}):
        with pytest.raises(BadToken):
            Keys.read(bad, usable_only=True)


def test_the_published_half_of_a_key_has_no_secret_in_it() -> None:
    assert "d" in KEY.private()
    assert not {"d", "k", "p", "q"} & KEY.public().keys()
    assert KEY.thumbprint == KEYS.all[0].thumbprint
    with pytest.raises(BadToken):
        Key.secret(b"x" * 32).public()


@given(st.binary(max_size=300), st.integers(0, 10_000), st.sampled_from("AQgw-_"))
def test_what_was_sealed_opens_with_its_key_alone_and_unchanged(
    content: bytes, place: int, letter: str
) -> None:
    key = Key.secret(b"k" * 32)
    sealed = encrypted.encrypt(content, key)
    believed = {"dir", "A256GCM"}
    assert encrypted.decrypt(sealed, Keys((key,)), believed) == content
    with pytest.raises(BadToken):
        encrypted.decrypt(sealed, Keys((Key.secret(b"l" * 32),)), believed)
    place %= len(sealed)
    changed = sealed[:place] + letter + sealed[place + 1 :]
    if changed != sealed:
        with pytest.raises(BadToken):
            encrypted.decrypt(changed, Keys((key,)), believed)


@given(st.text(max_size=80))
def test_whatever_is_sent_is_believed_or_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(BadToken):
        signed.verify(text, KEYS, ["ES256"])
    with pytest.raises(BadToken):
        encrypted.decrypt(text, Keys((Key.secret(b"k" * 32),)), {"dir", "A256GCM"})
