"""Devices' keys: each bound to one entry of the public sensor register. A device signs a short statement with it (RFC 7523) and gets a
token for an hour that writes what its entry observes, and nothing else.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict, cast

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import statements
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose.compact import split
from kitamae.kernel.people.jose.encoding import BadToken, members
from kitamae.kernel.people.jose.keys import Key, Keys
from kitamae.kernel.people.person import ONE
from kitamae.kernel.people.records import DEVICE_KEY as KIND
from kitamae.kernel.people.records import REVOKED, TENANT, Token
from kitamae.kernel.problems import BadRequest, Conflict, NotFound, NotSignedIn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.once import Once
    from kitamae.kernel.people.people import People
    from kitamae.kernel.registers.entry import Entry
    from kitamae.kernel.registers.sensors import Sensors

PATH: Final = "/devices/token"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
BELIEVED: Final = frozenset({"ES256", "EdDSA", "PS256", "RS256"})
SECONDS: Final = 3_600
"""How long a device's token lasts."""
ASSERTION_SECONDS: Final = 600
"""How long a device's statement may be good at most; a gateway's clock is not the best."""
MOST_OVERLAP: Final = 90
"""Days for which an old key works beside the new one."""
_DAY: Final = 86_400_000_000
_SECOND: Final = 1_000_000
_MOST: Final = 10
_OF: Final = "device-keys"
"""By an entry of the register: its keys."""
_LONGEST: Final = 10_000


class DeviceRefused(NotSignedIn):
    """A device's statement is not believed; it says nothing about which part."""

    type = "https://kitamae.example/problems/device-refused"
    title = "This device is not known, or its key is not valid any more"


class DeviceKey(TypedDict):
    """`jwk`: the public key; `until` RFC 3339 UTC or "": it was rotated and works until then; `revoked`: when, and by whom."""

    kid: str
    sensor: str
    jwk: dict[str, Any]
    addedAt: str
    by: str
    until: str
    revoked: NotRequired[dict[str, str]]


class DeviceKeys:
    """One per city. `address`: how devices reach this server, and what their statements name as `aud`. `tenant`: where they write."""

    def __init__(
        self,
        store: Store,
        people: People,
        once: Once,
        sensors: Sensors,
        expand: Callable[[str], str],
        address: str,
        *,
        tenant: str = "",
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._store, self._people, self._once, self._sensors = store, people, once, sensors
        self._expand, self._tenant, self._now = expand, tenant, now
        self._audience = (address, address + PATH)

    # --- at the desk
    async def add(self, by: str, sensor: str, jwk: str, *, overlap: int | None = None) -> DeviceKey:
        """Bind a public key (JWK) to an installed entry. `overlap`: its older keys work for so many days more; None: as long as they do.

        Raises BadRequest, NotRegistered, Conflict for a key that is known already.
        """
        key = _public(jwk)
        if overlap is not None and not 0 <= overlap <= MOST_OVERLAP:
            raise BadRequest(f"overlap: expected 0 to {MOST_OVERLAP} days")
        kid, now = key.thumbprint, self._now()
        made: DeviceKey = {
            "kid": kid, "sensor": sensor, "jwk": key.public(), "addedAt": clock.text(now), "by": by, "until": "",
        }  # fmt: skip

        async def work(tx: Transaction) -> None:
            await self._sensors.demand_installed(tx, sensor)
            if await tx.get(TENANT, KIND, kid) is not None:
                raise Conflict(
                    "this key is known already: every device has a key of its own, and a new one each time"
                )
            older = [one for one in await _of(tx, sensor) if self.good(one)]
            if len(older) >= _MOST:
                raise BadRequest(f"a device has at most {_MOST} keys that are good")
            if overlap is not None:
                until = clock.text(now + overlap * _DAY)
                for one in older:
                    if not (one["until"] and one["until"] < until):
                        await tx.put(TENANT, KIND, one["kid"], {**one, "until": until})
            numbered: Any = await tx.get(TENANT, _OF, sensor) or []
            await tx.put(TENANT, _OF, sensor, [*numbered, kid])
            await tx.put(TENANT, KIND, kid, made)
            await self._log(tx, sensor, kid, "added")

        await self._store.transact(work)
        return made

    async def revoke(self, by: str, kid: str) -> DeviceKey:
        """The device or its key was lost: from the next request on neither the key nor a token that it got works. Raises NotFound."""

        async def work(tx: Transaction) -> DeviceKey:
            kept = cast("DeviceKey | None", await tx.get(TENANT, KIND, kid))
            if kept is None:
                raise NotFound(f"there is no device key {kid!r:.80}")
            if "revoked" in kept:
                return kept
            gone: DeviceKey = {**kept, "revoked": {"at": clock.text(self._now()), "by": by}}
            await tx.put(TENANT, KIND, kid, gone)
            await tx.put(TENANT, REVOKED, kid, {"at": gone["revoked"]["at"]})
            await self._log(tx, kept["sensor"], kid, "revoked")
            return gone

        gone = await self._store.transact(work)
        for token in await self._people.tokens.all():
            if token.get("key") == kid:
                await self._people.tokens.revoke(token["number"])
        return gone

    async def all(self) -> list[DeviceKey]:
        """In the order in which they came."""
        return [cast("DeviceKey", doc) for _, _, doc in await self._store.documents(TENANT, KIND)]

    # --- a device
    async def sign_in(self, assertion: str) -> tuple[str, int]:
        """A token's secret and how many seconds it lasts. The statement: `iss` and `sub` are the entry's id, `aud` is this server, `jti` is new
        each time, `exp` at most ten minutes ahead. Raises DeviceRefused, NotRegistered.
        """
        sensor = _sensor(assertion)
        kid, said = self._believed(
            assertion, sensor, [one for one in await _of(self._store, sensor) if self.good(one)]
        )
        jti = said.get("jti")
        if not isinstance(jti, str) or not 8 <= len(jti) <= 200:
            raise DeviceRefused
        if said["exp"] - said["iat"] > ASSERTION_SECONDS:
            raise DeviceRefused
        if not await self._once.spend(f"device {kid} {jti}", 2 * ASSERTION_SECONDS):
            raise DeviceRefused
        made, now = secrecy.fresh("token"), self._now()

        async def work(tx: Transaction) -> None:
            kept = cast("DeviceKey | None", await tx.get(TENANT, KIND, kid))
            if kept is None or not self.good(kept):
                raise DeviceRefused
            entry = await self._sensors.demand_installed(tx, sensor)
            scopes = self._scopes(entry)
            if not scopes:
                raise DeviceRefused("the register says nothing that this sensor writes")
            token: Token = {
                "number": secrets.token_hex(4), "name": f"device {sensor}"[:100], "role": "device", "scopes": scopes,
                "tenants": [self._tenant], "asked": scopes, "key": kid, "createdAt": clock.text(now),
                "expiresAt": clock.text(now + SECONDS * _SECOND),
            }  # fmt: skip
            await tx.put(TENANT, "token", secrecy.digest(made), token)

        await self._store.transact(work)
        return made, SECONDS

    def _believed(self, assertion: str, sensor: str, keys: Sequence[DeviceKey]) -> tuple[str, dict[str, Any]]:
        """By which of its keys, whatever the device calls it. Raises DeviceRefused."""
        expected = jwt.Expected(
            sensor, self._audience, ("", "jwt"), self._now() / _SECOND, oldest=ASSERTION_SECONDS
        )
        why: BadToken | None = None
        for one in keys:
            key = Key.read({name: value for name, value in one["jwk"].items() if name != "kid"})
            try:
                return one["kid"], jwt.believe(assertion, Keys((key,)), BELIEVED, expected)
            except BadToken as wrong:
                why = wrong
        raise DeviceRefused from why

    def _scopes(self, entry: Entry) -> list[str]:
        said = entry["said"]
        return sorted(
            f"write:entity:{self._expand(type_)}{ONE}{thing}"
            for type_ in said["types"]
            for thing in said["observes"]
        )

    def good(self, key: DeviceKey) -> bool:
        """Neither revoked, nor rotated longer ago than its overlap."""
        return "revoked" not in key and not (key["until"] and clock.micros(key["until"]) <= self._now())

    async def _log(self, tx: Transaction, sensor: str, kid: str, what: str) -> None:
        """A sensor's keys are no secret and nobody's: the ledger says it in the open."""
        told = {"id": sensor, "change": f"key {what}", "key": kid}
        [leaf] = statements.entries(
            {"register": "sensors", "statement": told}, "sensors", self._now, own=True
        )
        await tx.log(leaf)


def _public(text: str) -> Key:
    """Raises BadRequest."""
    if len(text) > _LONGEST:
        raise BadRequest(f"key: a public key has at most {_LONGEST} letters")
    try:
        document: Mapping[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(
            'key: expected a public key as JWK, such as {"kty":"EC","crv":"P-256",...}'
        ) from None
    if not isinstance(document, dict) or any(name in document for name in ("d", "k", "p", "q")):
        raise BadRequest(
            "key: only the public half comes here; a private key that was shown is worthless: make a new one"
        )
    try:
        key = Key.read(
            {name: value for name, value in document.items() if name not in ("kid", "use", "key_ops", "alg")}
        )
    except BadToken as wrong:
        raise BadRequest(f"key: {wrong.detail}") from wrong
    if not any(key.fits(alg, "verify") for alg in BELIEVED):
        raise BadRequest(f"key: expected one for {', '.join(sorted(BELIEVED))}")
    return key


def _sensor(assertion: str) -> str:
    """Which one it says that it is; nothing is believed yet. Raises DeviceRefused."""
    try:
        if len(assertion) > _LONGEST:
            raise BadToken("it is too long")
        sensor = members(split(assertion, 3)[1][1]).get("sub")
    except (BadToken, UnicodeError) as wrong:
        raise DeviceRefused from wrong
    if not isinstance(sensor, str):
        raise DeviceRefused
    return sensor


async def _of(store: Store | Transaction, sensor: str) -> list[DeviceKey]:
    """An entry's keys, in the order in which they came."""
    kids: Any = await store.get(TENANT, _OF, sensor) or []
    found = [cast("DeviceKey | None", await store.get(TENANT, KIND, kid)) for kid in kids]
    return [one for one in found if one is not None]
