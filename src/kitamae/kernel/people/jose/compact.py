"""The compact serialization, which is the only one that is read here: parts, and the protected header."""

from __future__ import annotations

from typing import Any

from kitamae.kernel.people.jose.encoding import LONGEST, BadToken, decode, members


def split(token: str, count: int) -> tuple[dict[str, Any], list[bytes]]:
    """The protected header and all parts, decoded. Raises BadToken."""
    if len(token) > LONGEST:
        raise BadToken(f"the token is longer than {LONGEST} characters")
    parts = token.split(".")
    if len(parts) != count:
        raise BadToken(f"{count} parts with dots between them are expected")
    contents = [decode(part) for part in parts]
    header = members(contents[0])
    for name in ("alg", "kid", "typ", "cty", "enc"):
        if not isinstance(header.get(name, ""), str):
            raise BadToken(f"`{name}` of a header is a text")
    if (
        "crit" in header or "b64" in header
    ):  # no extension is known here, so none can be demanded (RFC 7515, 4.1.11)
        raise BadToken("the token demands an extension that is not known here")
    return header, contents
