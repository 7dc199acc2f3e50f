"""Which algorithms there are (RFC 7518, 8037) and which kind of key each takes. What is not here is never believed.

Missing on purpose: `none`, RSA1_5 (its padding tells an attacker what was inside), PBES2 (the sender chooses how much we
compute), and compression (`zip`: a small token may become a large one).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Algorithm:
    """`kty` and, for a curve, `crv` of its key; `octets`: how long a secret must be (`exact`) or be at least."""

    kty: str
    crv: tuple[str, ...] = ()
    octets: int = 0
    exact: bool = False


SIGNING: Final = {
    "ES256": Algorithm("EC", ("P-256",)),
    "ES384": Algorithm("EC", ("P-384",)),
    "ES512": Algorithm("EC", ("P-521",)),
    "EdDSA": Algorithm("OKP", ("Ed25519",)),
    **{f"{kind}{bits}": Algorithm("RSA") for kind in ("RS", "PS") for bits in (256, 384, 512)},
    **{f"HS{bits}": Algorithm("oct", octets=bits // 8) for bits in (256, 384, 512)},
}

_CURVES: Final = ("P-256", "P-384", "P-521", "X25519")
WRAPPING: Final = {
    "dir": Algorithm("oct"),
    "RSA-OAEP": Algorithm("RSA"),
    "RSA-OAEP-256": Algorithm("RSA"),
    "ECDH-ES": Algorithm("EC", _CURVES),
    **{f"ECDH-ES+A{bits}KW": Algorithm("EC", _CURVES) for bits in (128, 192, 256)},
    **{
        f"A{bits}{kind}": Algorithm("oct", octets=bits // 8, exact=True)
        for kind in ("KW", "GCMKW")
        for bits in (128, 192, 256)
    },
}

CONTENT: Final = {
    "A128GCM": 16,
    "A192GCM": 24,
    "A256GCM": 32,
    "A128CBC-HS256": 32,
    "A192CBC-HS384": 48,
    "A256CBC-HS512": 64,
}
"""`enc` -> octets of its key."""

ASYMMETRIC: Final = frozenset(name for name, one in SIGNING.items() if one.kty != "oct")
"""What others may sign for us with: their keys are published, so a secret is none."""
