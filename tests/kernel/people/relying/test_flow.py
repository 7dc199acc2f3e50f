"""A resident's sign-in against an issuer that may say anything."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kitamae.adapters import sqlite
from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose.encoding import decode, encode, members
from kitamae.kernel.people.jose.keys import Key
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.pseudonyms import Pseudonyms
from kitamae.kernel.people.relying.flow import Client, Relying, SignInFailed
from kitamae.kernel.people.relying.issuer import Issuer
from kitamae.kernel.people.relying.outbound import IssuerFailed
from kitamae.kernel.people.relying.said import BasicFour
from kitamae.kernel.people.relying.stand_in import RESIDENTS, StandIn
from kitamae.kernel.people.seal import Seal, WrongSeal
from kitamae.kernel.problems import BadRequest, Conflict, Problem

CITY = "https://city.example.jp"


class Kept:
    """A keeper for tests: the vault is another part."""

    def __init__(self) -> None:
        self.four: dict[str, BasicFour] = {}
        self.full = False

    async def keep(self, resident: str, said: BasicFour) -> None:
        if self.full:
            raise Conflict("the vault is closed")
        self.four[resident] = said


class Lying:
    """The stand-in, but for what a test changes of its answers, by the last part of the address."""

    def __init__(self, honest: StandIn) -> None:
        self.honest = honest
        self.changes: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.asked: list[tuple[str, Mapping[str, str] | None]] = []

    async def ask(
        self, url: str, *, form: Mapping[str, str] | None = None, bearer: str = ""
    ) -> tuple[int, dict[str, Any]]:
        self.asked.append((url, form))
        status, said = await self.honest.ask(url, form=form, bearer=bearer)
        change = self.changes.get(url.rpartition("/")[2])
        return (status, change(said)) if change else (status, said)

    async def close(self) -> None: ...


@dataclass
class Town:
    store: sqlite.SqliteStore
    folder: Path
    at: float = field(default_factory=time.time)
    monotonic: float = 0.0

    def __post_init__(self) -> None:
        self.seal = Seal(self.folder / "seal.key", self.now)
        self.once = Once(self.store, self.now)
        self.client = Client("RP00000001", Key.make("ours"), CITY + "/back")
        self.op = StandIn(CITY, self.client, self.seal, self.once, self.now)
        self.wire = Lying(self.op)
        self.kept = Kept()
        self.issuer = Issuer(self.op.issuer, self.wire, lambda: self.monotonic)
        self.relying = self.again()

    def now(self) -> int:
        return int(self.at * 1_000_000)

    def again(self, keeper: Any = ..., seal: Seal | None = None) -> Relying:
        seal = seal or self.seal
        keeper = self.kept if keeper is ... else keeper
        pseudonyms = Pseudonyms(self.store, seal)
        return Relying(self.issuer, self.wire, self.client, seal, self.once, pseudonyms, keeper, self.now)

    async def gone(self, who: str = "test-1", relying: Relying | None = None) -> tuple[str, dict[str, str]]:
        """As far as the browser's way back: its note and the query it comes with."""
        begun = await (relying or self.relying).begin("/account")
        asked = {name: value[0] for name, value in parse_qs(urlsplit(begun.address).query).items()}
        back = self.op.chosen(self.op.asked(asked), who)
        return begun.note, {name: value[0] for name, value in parse_qs(urlsplit(back).query).items()}

    def token(self, **changes: Any) -> Callable[[dict[str, Any]], Any]:
        """The ID token with other claims, signed by the issuer's own key."""

        def change(said: dict[str, Any]) -> Any:
            claims = members(decode(said["id_token"].split(".")[1])) | changes
            return {**said, "id_token": jwt.issue(claims, self.op._key, "ES256", typ="JWT")}

        return change


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    yield Town(store, tmp_path)
    await store.close()


async def test_the_request_is_the_one_that_the_public_documents_describe(town: Town) -> None:
    id = "65a04b4e-af8b-45a2-8713-5ec2631bab64"
    begun = await town.relying.begin("/account", id)
    asked = {name: value[0] for name, value in parse_qs(urlsplit(begun.address).query).items()}
    assert asked["scope"] == "openid name address birthdate gender sign"
    assert (asked["acr_values"], asked["sign_transaction_id"]) == ("aal3 crl", id)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["client_id"], asked["redirect_uri"]) == ("RP00000001", CITY + "/back")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert not any(asked[name] in begun.note for name in ("state", "nonce"))
    with pytest.raises(BadRequest):
        await town.relying.begin("/account", "not a uuid")


async def test_a_resident_comes_back_as_a_pseudonym_and_the_four_facts_go_to_the_keeper(town: Town) -> None:
    first = await town.relying.finish(*await town.gone())
    again = await town.again().finish(*await town.gone())
    other = await town.relying.finish(*await town.gone("test-2"))
    assert (first.ref, first.next) == (again.ref, "/account")
    assert other.ref != first.ref
    assert "test-1" not in first.ref
    expected = RESIDENTS["test-1"]
    assert town.kept.four[first.ref] == BasicFour(**expected)
    kept = [doc for kind in ("session", "sealed", "spent") for doc in await town.store.documents("", kind)]
    assert kept
    assert not any(word in str(kept) for word in ("test-1", *expected.values()) if len(word) > 1)


async def test_where_nobody_keeps_them_the_four_facts_are_not_asked_for(town: Town) -> None:
    alone = town.again(None)
    begun = await alone.begin("/")
    assert parse_qs(urlsplit(begun.address).query)["scope"] == ["openid"]
    assert (await alone.finish(*await town.gone(relying=alone))).ref
    assert not any(url.endswith("/userinfo") for url, _ in town.wire.asked)


async def test_what_the_keeper_cannot_keep_signs_nobody_in(town: Town) -> None:
    town.kept.full = True
    with pytest.raises(Conflict):
        await town.relying.finish(*await town.gone())


async def test_an_answer_works_once_in_the_browser_that_began_within_ten_minutes(town: Town) -> None:
    note, sent = await town.gone()
    other, _ = await town.gone()
    for wrong in (
        ("", sent),
        (other, sent),
        (note[:-2] + "AA", sent),
        (note, {**sent, "state": "x"}),
        (note, {}),
    ):
        with pytest.raises(SignInFailed):
            await town.relying.finish(*wrong)
    await town.relying.finish(note, sent)
    with pytest.raises(SignInFailed, match="finished already"):
        await town.relying.finish(note, sent)
    note, sent = await town.gone()
    town.at += 601
    with pytest.raises(SignInFailed, match="ten minutes"):
        await town.relying.finish(note, sent)


async def test_two_workers_that_are_sent_one_answer_let_one_in(town: Town) -> None:
    note, sent = await town.gone()
    await town.relying.finish(note, sent)
    with pytest.raises(SignInFailed):
        await town.again().finish(note, sent)


async def test_an_answer_of_another_issuer_is_refused(town: Town) -> None:
    note, sent = await town.gone()
    for iss in ("https://other.example", None):
        changed = {name: value for name, value in {**sent, "iss": iss}.items() if value is not None}
        with pytest.raises(SignInFailed, match="another sign-in service"):
            await town.relying.finish(note, changed)


async def test_who_declines_is_not_signed_in_and_nothing_of_the_reason_is_repeated(town: Town) -> None:
    note, sent = await town.gone("nobody")
    with pytest.raises(SignInFailed, match="access_denied"):
        await town.relying.finish(note, sent)
    note, sent = await town.gone("nobody")
    with pytest.raises(SignInFailed) as failed:
        await town.relying.finish(note, {**sent, "error": "<script>"})
    assert "script" not in failed.value.detail


async def test_a_code_of_another_sign_in_is_worth_nothing(town: Town) -> None:
    note, sent = await town.gone()
    _, stolen = await town.gone("test-2")
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await town.relying.finish(note, {**sent, "code": stolen["code"]})


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"}, {"aud": "RP00000002"}, {"aud": ["RP00000001", "RP00000002"]}, {"nonce": "x"},
        {"azp": "RP00000002"}, {"exp": 1}, {"iat": 1}, {"iat": 4_000_000_000}, {"sub": ""}, {"sub": None}, {"acr": "aal1"},
    ],
)  # fmt: skip
async def test_an_id_token_for_somebody_or_something_else_is_refused(
    town: Town, changes: dict[str, Any]
) -> None:
    note, sent = await town.gone()
    town.wire.changes["token"] = town.token(**changes)
    with pytest.raises(SignInFailed):
        await town.relying.finish(note, sent)


async def test_an_id_token_without_a_good_signature_is_refused(town: Town) -> None:
    def unsigned(said: dict[str, Any]) -> Any:
        _, payload, _ = said["id_token"].split(".")
        return {**said, "id_token": ".".join((encode(b'{"alg":"none"}'), payload, ""))}

    def stranger(said: dict[str, Any]) -> Any:
        claims = members(decode(said["id_token"].split(".")[1]))
        return {**said, "id_token": jwt.issue(claims, Key.make("stand-in"), "ES256", typ="JWT")}

    def confused(said: dict[str, Any]) -> Any:
        claims = members(decode(said["id_token"].split(".")[1]))
        public = str(town.op._key.public()).encode()
        key = Key.read({"kty": "oct", "k": encode(public), "kid": "stand-in"})
        return {**said, "id_token": jwt.issue(claims, key, "HS256", typ="JWT")}

    for change in (unsigned, stranger, confused, lambda _: {}, lambda _: {"id_token": 5}):
        note, sent = await town.gone()
        town.wire.changes["token"] = change
        with pytest.raises(SignInFailed):
            await town.relying.finish(note, sent)


async def test_claims_about_somebody_else_are_not_kept(town: Town) -> None:
    note, sent = await town.gone()
    town.wire.changes["userinfo"] = lambda said: {**said, "sub": "test-2"}
    with pytest.raises(SignInFailed):
        await town.relying.finish(note, sent)
    assert town.kept.four == {}


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"}, {"token_endpoint": "https://other.example/token"}, {"jwks_uri": None},
        {"userinfo_endpoint": "http://city.example.jp/userinfo"}, {"token_endpoint": "/token"},
        {"authorization_endpoint": "https://city.example.jp@other.example/"},
    ],
)  # fmt: skip
async def test_an_issuer_that_points_elsewhere_is_not_used(town: Town, change: dict[str, Any]) -> None:
    town.wire.changes["openid-configuration"] = lambda said: {**said, **change}
    with pytest.raises(IssuerFailed):
        await town.relying.begin("/")


async def test_new_keys_of_the_issuer_are_found_and_not_asked_for_all_the_time(town: Town) -> None:
    await town.relying.finish(*await town.gone())
    town.op._key = Key.make("newer")
    with pytest.raises(
        SignInFailed
    ):  # a minute must pass: or every forged token would cost the issuer a question
        await town.relying.finish(*await town.gone())
    town.monotonic += 61
    await town.relying.finish(*await town.gone())
    asked = [url for url, _ in town.wire.asked if url.endswith("/jwks")]
    assert len(asked) == 2
    town.monotonic += 3601
    await town.relying.finish(*await town.gone())
    assert len([url for url, _ in town.wire.asked if url.endswith("configuration")]) == 2


async def test_a_wrong_or_open_or_missing_file_of_the_seal_is_said(town: Town) -> None:
    await town.relying.finish(*await town.gone())
    file = town.folder / "seal.key"
    assert file.stat().st_mode & 0o777 == 0o600
    right = file.read_bytes()

    async def wrong() -> str:
        fresh = Seal(file, town.now)
        with pytest.raises(Problem) as failed:
            await Pseudonyms(town.store, fresh).of("x")
        assert isinstance(failed.value, WrongSeal)
        return failed.value.detail

    file.chmod(0o640)
    assert "chmod 600" in await wrong()
    file.chmod(0o600)
    file.write_bytes(b"x" * 32)
    assert "not the one" in await wrong()
    file.write_bytes(b"x" * 31)
    assert "32 bytes" in await wrong()
    file.unlink()
    assert "No such file" in await wrong()
    file.write_bytes(right)
    file.chmod(0o600)
    assert await Pseudonyms(town.store, Seal(file)).of("x")
