"""Passkeys against a device that may say anything."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kitamae.adapters import sqlite
from kitamae.kernel.people.jose.encoding import encode
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.passkeys import MOST, PasskeyRefused, Passkeys
from kitamae.kernel.people.seal import Seal
from kitamae.kernel.problems import BadRequest

SITE = "city.example.jp"


class Device:
    """Makes one passkey and signs with it, honestly unless told otherwise. After WebAuthn, 6.1 and 6.5."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.origin, self.site, self.flags, self.count = "https://" + SITE, SITE, 0x05, 1
        self.step = 1

    def create(self, options: str, **changes: Any) -> str:
        numbers = self.key.public_key().public_numbers()
        x, y = (one.to_bytes(32, "big") for one in (numbers.x, numbers.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        made = self._data(0x40) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": made})
        said = self._client("webauthn.create", options)
        return self._answer(
            {"clientDataJSON": encode(said), "attestationObject": encode(attestation)} | changes
        )

    def get(self, options: str) -> str:
        self.count += self.step
        said, made = self._client("webauthn.get", options), self._data(0)
        signature = self.key.sign(made + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": said, "authenticatorData": made, "signature": signature}
        return self._answer({name: encode(part) for name, part in parts.items()})

    def _answer(self, response: dict[str, Any]) -> str:
        id = encode(self.id)
        return json.dumps(
            {"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )

    def _client(self, kind: str, options: str) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": json.loads(options)["challenge"], "origin": self.origin}
        ).encode()

    def _data(self, more: int) -> bytes:
        site = hashlib.sha256(self.site.encode()).digest()
        return site + bytes([self.flags | more]) + self.count.to_bytes(4, "big")


class Town:
    def __init__(self, store: sqlite.SqliteStore, folder: Path) -> None:
        self.at = time.time()
        self.store, self.seal = store, Seal(folder / "seal.key", self.now)
        self.passkeys = Passkeys("https://" + SITE, store, self.seal, Once(store, self.now), self.now)

    def now(self) -> int:
        return int(self.at * 1_000_000)

    async def registered(self, person: str = "staff-1", device: Device | None = None) -> Device:
        device = device or Device()
        offer = await self.passkeys.offer(person, "加賀市")
        await self.passkeys.register(person, offer.note, device.create(offer.options), "携帯")
        return device

    async def sign_in(self, device: Device) -> str:
        offer = self.passkeys.challenge()
        return await self.passkeys.prove(offer.note, device.get(offer.options))


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    yield Town(store, tmp_path)
    await store.close()


async def test_several_devices_sign_one_person_in_and_each_is_removed_alone(town: Town) -> None:
    one, other, stranger = [await town.registered(who) for who in ("staff-1", "staff-1", "staff-2")]
    assert [await town.sign_in(device) for device in (one, other, stranger)] == [
        "staff-1",
        "staff-1",
        "staff-2",
    ]
    kept = await town.passkeys.of("staff-1")
    assert [passkey["name"] for _, passkey in kept] == ["携帯", "携帯"]
    assert all(passkey["usedAt"] for _, passkey in kept)
    assert await town.passkeys.remove("staff-2", encode(one.id)) == 0, "nobody removes another's"
    assert await town.passkeys.remove("staff-1", encode(one.id)) == 1
    with pytest.raises(PasskeyRefused):
        await town.sign_in(one)
    assert await town.sign_in(other) == "staff-1"
    assert await town.passkeys.remove("staff-1") == 1


async def test_a_challenge_works_once_within_five_minutes_and_for_what_it_was_made(town: Town) -> None:
    device = await town.registered()
    offer = town.passkeys.challenge()
    answer = device.get(offer.options)
    assert await town.passkeys.prove(offer.note, answer) == "staff-1"
    other = town.passkeys.challenge()
    late = town.passkeys.challenge()
    registering = await town.passkeys.offer("staff-1", "加賀市")
    for note, said in (
        (offer.note, answer),  # again
        (other.note, answer),  # the answer to another challenge
        (registering.note, device.get(registering.options)),  # a challenge for something else
        ("", answer),
    ):
        with pytest.raises(PasskeyRefused):
            await town.passkeys.prove(note, said)
    town.at += 301
    with pytest.raises(PasskeyRefused, match="5 minutes"):
        await town.passkeys.prove(late.note, device.get(late.options))


async def test_an_answer_of_a_device_that_counts_nothing_works_once_too(town: Town) -> None:
    synced = Device()
    synced.count = synced.step = 0
    await town.registered(device=synced)
    offer = town.passkeys.challenge()
    answer = synced.get(offer.options)
    assert await town.passkeys.prove(offer.note, answer) == "staff-1"
    with pytest.raises(PasskeyRefused, match="used already"):
        await town.passkeys.prove(offer.note, answer)
    assert await town.sign_in(synced) == "staff-1"


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://city.example.jp.other.example"}, {"origin": "http://city.example.jp"}, {"site": "other.example"},
        {"flags": 0x01}, {"flags": 0x04}, {"flags": 0}, {"count": 4}, {"count": 5},
        {"key": ec.generate_private_key(ec.SECP256R1())}, {"id": b"x" * 16},
    ],
    ids=lambda lie: str(lie)[:40],
)  # fmt: skip
async def test_a_device_that_signed_elsewhere_without_its_person_or_as_a_copy_is_refused(
    town: Town, lie: dict[str, Any]
) -> None:
    device = await town.registered()
    device.count = 5
    await town.sign_in(device)
    vars(device).update(lie)
    with pytest.raises(PasskeyRefused):
        await town.sign_in(device)


@pytest.mark.parametrize(
    "lie", [{"origin": "https://other.example"}, {"site": "other.example"}, {"flags": 0x01}]
)
async def test_a_passkey_of_another_site_or_without_its_person_is_not_registered(
    town: Town, lie: dict[str, Any]
) -> None:
    device = Device()
    vars(device).update(lie)
    offer = await town.passkeys.offer("staff-1", "加賀市")
    with pytest.raises(PasskeyRefused):
        await town.passkeys.register("staff-1", offer.note, device.create(offer.options), "携帯")
    assert await town.passkeys.of("staff-1") == []


async def test_an_offer_is_for_one_person_and_one_passkey(town: Town) -> None:
    device = Device()
    offer = await town.passkeys.offer("staff-1", "加賀市")
    made = device.create(offer.options)
    with pytest.raises(PasskeyRefused, match="somebody else"):
        await town.passkeys.register("staff-2", offer.note, made, "携帯")
    device = await town.registered()
    again = await town.passkeys.offer("staff-2", "加賀市")
    with pytest.raises(PasskeyRefused, match="registered already"):
        await town.passkeys.register("staff-2", again.note, device.create(again.options), "携帯")
    assert await town.sign_in(device) == "staff-1"


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "x" * 40_000, '{"id":1}', '{"id":"a","id":"b"}', '{"id":"YQ","rawId":"YQ"}']
)
async def test_what_no_device_says_is_refused(town: Town, answer: str) -> None:
    offer = town.passkeys.challenge()
    with pytest.raises(PasskeyRefused):
        await town.passkeys.prove(offer.note, answer)
    offer = await town.passkeys.offer("staff-1", "加賀市")
    with pytest.raises(PasskeyRefused):
        await town.passkeys.register("staff-1", offer.note, answer, "携帯")


async def test_a_malformed_attestation_is_refused(town: Town) -> None:
    for content in (b"", b"\xff", cbor2.dumps({"fmt": "none"}), b"\xa1" * 500):
        offer = await town.passkeys.offer("staff-1", "加賀市")
        answer = Device().create(offer.options, attestationObject=encode(content))
        with pytest.raises(PasskeyRefused):
            await town.passkeys.register("staff-1", offer.note, answer, "携帯")


async def test_a_person_has_a_bounded_number_of_passkeys_with_names(town: Town) -> None:
    for name in ("", " ", "x" * 51, "a\nb"):
        with pytest.raises(BadRequest):
            await town.passkeys.register("staff-1", "", "", name)
    for _ in range(MOST):
        await town.registered()
    with pytest.raises(BadRequest):
        await town.registered()


@pytest.mark.parametrize(
    ("address", "possible"),
    [
        ("https://city.example.jp", True), ("http://localhost:8080", True), ("http://127.0.0.1:8080", False),
        ("https://[::1]:8080", False), ("http://city.example.jp", False), ("https://10.0.0.1", False),
    ],
)  # fmt: skip
def test_browsers_have_passkeys_for_names_over_tls_and_for_localhost(
    town: Town, address: str, possible: bool
) -> None:
    assert Passkeys(address, town.store, town.seal, Once(town.store)).possible is possible
