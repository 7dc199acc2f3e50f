"""Keys (RFC 7517): read once, checked once, and used only for what they say they are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from kitamae.kernel.people.jose.algorithms import CONTENT, SIGNING, WRAPPING, Algorithm
from kitamae.kernel.people.jose.encoding import BadToken, decode, encode, members
from kitamae.kernel.people.jose.weak_primes import has_weak_primes

MOST: Final = 100
"""Keys of one set."""

_OPS: Final = {
    "sig": frozenset({"sign", "verify"}),
    "enc": frozenset({"encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"}),
}
_ENCODED: Final = ("n", "e", "x", "y", "d", "k", "p", "q", "dp", "dq", "qi")
_RSA_BITS: Final = range(2048, 8193)
_LEAST_EXPONENT: Final = 65537
_KINDS: Final[dict[str, Any]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey, "oct": OctKey}


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `alg` is "" where the key does not say; `ops` are the operations of RFC 7517, 4.3, that it allows."""

    kid: str
    kty: str
    crv: str
    alg: str
    ops: frozenset[str]
    octets: int
    inner: Any

    @classmethod
    def read(cls, document: Any) -> Self:
        """From a JWK. Raises BadToken for one that is malformed, too weak or contradicts itself."""
        if not isinstance(document, dict):
            raise BadToken("a key is a JSON object")
        given = {name: _text(document, name) for name in ("kid", "kty", "crv", "alg")}
        kind = _KINDS.get(given["kty"])
        if kind is None:
            raise BadToken(f"a key of the type {given['kty']!r:.20} is not known here")
        material = {name: decode(_text(document, name)) for name in _ENCODED if name in document}
        if kind is RSAKey:
            _demand_strong(material)
        ops = _allowed(document)
        bare = {name: document[name] for name in ("kty", "crv", *_ENCODED) if name in document}
        try:
            inner = kind.import_key(bare)
        except (JoseError, ValueError, KeyError, TypeError) as wrong:
            raise BadToken(f"the key cannot be used: {type(wrong).__name__}") from None
        return cls(**given, ops=ops, octets=len(material.get("k", b"")), inner=inner)

    @classmethod
    def make(cls, kid: str, alg: str = "ES256") -> Self:
        """A new private key for signing."""
        made = ECKey.generate_key(SIGNING[alg].crv[0], private=True).as_dict(private=True)
        return cls.read({**made, "kid": kid, "alg": alg, "use": "sig"})

    @classmethod
    def secret(cls, content: bytes) -> Self:
        """A key that encrypts directly with AES-256-GCM. Raises BadToken unless it has 32 bytes."""
        if len(content) != CONTENT["A256GCM"]:
            raise BadToken("a secret of 32 bytes is expected")
        return cls.read({"kty": "oct", "k": encode(content), "alg": "A256GCM", "use": "enc"})

    def public(self) -> dict[str, Any]:
        """The JWK that others may see. Raises BadToken for a secret, which nobody may."""
        return self._document(private=False)

    def private(self) -> dict[str, Any]:
        """The whole JWK: to be encrypted at once."""
        return self._document(private=True)

    @property
    def thumbprint(self) -> str:
        """RFC 7638: the same for the same key, whatever it is called."""
        return str(self.inner.thumbprint())

    def fits(self, name: str, operation: str) -> bool:
        """Whether this key is for the algorithm `name`, may be used to do `operation`, and can."""
        if operation == "sign" and not self.inner.is_private:
            return False
        what = SIGNING.get(name) or WRAPPING.get(name)
        return what is not None and self._fits(what) and self.alg in ("", name) and operation in self.ops

    def fits_content(self, enc: str, operation: str) -> bool:
        """Whether this secret encrypts content directly (`dir`)."""
        right = self.kty == "oct" and self.octets == CONTENT.get(enc)
        return right and self.alg in ("", "dir", enc) and operation in self.ops

    def _fits(self, what: Algorithm) -> bool:
        if self.kty != what.kty and not (what.kty == "EC" and self.crv == "X25519" and self.crv in what.crv):
            return False
        if what.crv and self.crv not in what.crv:
            return False
        return self.octets == what.octets if what.exact else self.octets >= what.octets

    def _document(self, *, private: bool) -> dict[str, Any]:
        if self.kty == "oct" and not private:
            raise BadToken("a secret has no public half")
        use = "sig" if "verify" in self.ops else "enc"
        named = {name: value for name, value in (("kid", self.kid), ("alg", self.alg)) if value}
        material = {
            k: v for k, v in self.inner.as_dict(private=private).items() if k in (*_ENCODED, "kty", "crv")
        }
        return {**material, **named, "use": use}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one party, told apart by their `kid`."""

    all: tuple[Key, ...]

    @classmethod
    def read(cls, document: Any, *, usable_only: bool = False) -> Self:
        """From a JWK set, or from one JWK. Raises BadToken.

        `usable_only` leaves out keys that are malformed, weak or of a kind that is not known here, as RFC 7517 (5) has
        it for sets that others publish; a set in which two keys have one name, or secrets lie beside published keys, is
        refused altogether.
        """
        if isinstance(document, bytes):
            document = members(document)
        listed = document.get("keys") if isinstance(document, dict) and "keys" in document else [document]
        if not isinstance(listed, list) or len(listed) > MOST:
            raise BadToken(f"a set has a list `keys` of at most {MOST} keys")
        found = []
        for one in listed:
            try:
                found.append(Key.read(one))
            except BadToken:
                if not usable_only:
                    raise
        names = [key.kid for key in found]
        if len(found) > 1 and len(set(names)) != len(names):
            raise BadToken("two keys of one set have the same name")
        if len({key.kty == "oct" for key in found}) > 1:
            raise BadToken("secrets and published keys are in one set")
        return cls(tuple(found))

    def named(self, header: dict[str, Any]) -> list[Key]:
        """Those that a token's header may mean: the one that it names, or all when it names none."""
        kid = header.get("kid")
        return [key for key in self.all if kid is None or not key.kid or key.kid == kid]


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise BadToken(f"`{name}` of a key is a text")
    return value


def _allowed(document: dict[str, Any]) -> frozenset[str]:
    use, listed = document.get("use"), document.get("key_ops")
    allowed = _OPS["sig"] | _OPS["enc"]
    if use is not None:
        allowed = _OPS.get(use, frozenset()) if isinstance(use, str) else frozenset()
    if listed is not None:
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise BadToken("`key_ops` of a key is a list of texts")
        allowed &= frozenset(listed)
    return allowed


def _demand_strong(material: dict[str, bytes]) -> None:
    modulus, exponent = (int.from_bytes(material.get(name, b""), "big") for name in ("n", "e"))
    if modulus.bit_length() not in _RSA_BITS:
        raise BadToken(f"an RSA key has {_RSA_BITS[0]} to {_RSA_BITS[-1]} bits")
    if exponent < _LEAST_EXPONENT or exponent.bit_length() > 256 or not exponent % 2:
        raise BadToken("the public exponent of an RSA key is odd and at least 65537")
    if has_weak_primes(modulus):
        raise BadToken("the RSA key was made by a library that makes weak ones (CVE-2017-15361)")
