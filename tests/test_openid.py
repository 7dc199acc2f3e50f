"""Kitamae as OpenID Provider, as a browser and a partner see it; and as an attacker does."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose.encoding import decode, encode, members
from kitamae.kernel.people.jose.keys import Key, Keys
from kitamae.kernel.problems import BadRequest, NotFound
from serving import HERE, SAME, Served, serving
from signing_in import BACK, LEFT, PARTNER, Partner, fields, outside, query, resident


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", demo_residents=True) as one:
        yield one


@pytest.fixture
async def partner(city: Served) -> Partner:
    return await Partner.of(city)


def refused(answer: Any, error: str, status: int = 400) -> bool:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return True


async def believed(city: Served, token: str, partner: Partner, nonce: str | None = "n1") -> dict[str, Any]:
    """As a partner checks it: with the published keys."""
    keys = Keys.read((await city.client.get("/openid/keys")).json())
    return jwt.believe(
        token, keys, ["ES256"], jwt.Expected(HERE, {partner.id}, {"JWT"}, time.time(), nonce=nonce)
    )


async def test_a_person_signs_in_agrees_once_and_the_partner_learns_a_name_of_its_own(
    city: Served, partner: Partner
) -> None:
    away = await partner.ask()
    assert away.status_code == 303
    assert away.headers["location"].startswith("/sign-in/resident?next=%2Fopenid%2Fauthorize")
    back = await resident(city, next=query(away.headers["location"])["next"])
    page = await city.client.get(back)
    for words in (
        "のりあいバス予約",
        "bus.example.jp",
        "予約した人を見分けます",
        "マイナンバーは伝えません",
        "30日間",
    ):
        assert words in page.text
    assert f"form-action 'self' {PARTNER};" in page.headers["content-security-policy"]
    agreed = await city.client.post(
        "/openid/consent", data=fields(page.text) | {"decision": "allow"}, headers=SAME
    )
    answer = query(agreed.headers["location"])
    assert (answer["state"], answer["iss"]) == ("s1", HERE)
    tokens = (await partner.exchange(answer["code"])).json()
    said = await believed(city, tokens["id_token"], partner)
    assert (said["role"], said["acr"]) == ("resident", "urn:kitamae:assurance:test")
    assert abs(said["auth_time"] - time.time()) < 600
    about = (await partner.about(tokens["access_token"])).json()
    assert about == {"sub": said["sub"], "role": "resident"}
    again = await partner.ask()
    assert again.headers["location"].startswith(BACK), "who agreed once is not asked for the same again"
    other = await Partner.of(city, redirects=["https://train.example.jp/back"])
    other.asked["redirect_uri"] = "https://train.example.jp/back"
    sent = fields((await other.ask()).text) | {"decision": "allow"}
    agreed = await city.client.post("/openid/consent", data=sent, headers=SAME)
    code = query(agreed.headers["location"])["code"]
    theirs = (await other.exchange(code, redirect_uri="https://train.example.jp/back")).json()
    assert members(decode(theirs["id_token"].split(".")[1]))["sub"] != said["sub"]


async def test_who_does_not_agree_is_sent_back_and_nothing_is_told(city: Served, partner: Partner) -> None:
    await resident(city)
    page = await partner.ask()
    sent = fields(page.text) | {"decision": "deny"}
    answer = await city.client.post("/openid/consent", data=sent, headers=SAME)
    assert query(answer.headers["location"])["error"] == "access_denied"
    assert (await partner.ask()).status_code == 200
    forged = await city.client.post(
        "/openid/consent", data={**sent, "decision": "allow", "csrf": "0" * 64}, headers=SAME
    )
    assert forged.status_code == 403
    other_site = {"Origin": "https://other.example"}
    assert (await city.client.post("/openid/consent", data=sent, headers=other_site)).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": BACK + "/"}, {"redirect_uri": BACK + "?x=1"}, {"redirect_uri": "https://other.example/back"},
        {"redirect_uri": BACK.upper()}, {"redirect_uri": ""}, {"client_id": "client-0"}, {"client_id": ""},
        {"redirect_uri": "https://bus.example.jp/../back"}, {"redirect_uri": LEFT},
    ],
)  # fmt: skip
async def test_an_address_that_was_not_registered_letter_for_letter_gets_nothing(
    city: Served, partner: Partner, changes: dict[str, str]
) -> None:
    await resident(city)
    answer = await partner.ask(**changes)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"), ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"), ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"), ({"scope": "role"}, "invalid_scope"),
        ({"request": "x"}, "request_not_supported"), ({"response_mode": "fragment"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"), ({"max_age": "-1"}, "invalid_request"),
        ({"nonce": "x" * 600}, "invalid_request"), ({"prompt": "none"}, "login_required"),
    ],
)  # fmt: skip
async def test_a_request_that_is_not_right_is_told_to_the_client(
    city: Served, partner: Partner, changes: dict[str, str], error: str
) -> None:
    answer = await partner.ask(**changes)
    told = query(answer.headers["location"])
    assert (told["error"], told["state"], told["iss"]) == (error, "s1", HERE)


async def test_a_parameter_that_stands_twice_is_refused(city: Served, partner: Partner) -> None:
    sent = [*partner.asked.items(), ("redirect_uri", "https://other.example")]
    assert (await city.client.get("/openid/authorize", params=sent)).status_code == 400


async def test_without_a_page_nothing_is_told_that_was_not_agreed_to(city: Served, partner: Partner) -> None:
    await resident(city)
    assert query((await partner.ask(prompt="none")).headers["location"])["error"] == "consent_required"
    await partner.code(scope="openid")
    assert "code" in query((await partner.ask(prompt="none", scope="openid")).headers["location"])
    assert query((await partner.ask(prompt="none")).headers["location"])["error"] == "consent_required"


async def test_signing_in_again_can_be_demanded(city: Served, partner: Partner) -> None:
    await resident(city)
    await partner.code()
    away = await partner.ask(prompt="login")
    assert away.headers["location"].startswith("/sign-in/resident")
    back = query(away.headers["location"])["next"]
    assert (await city.client.get(back)).headers["location"].startswith(("/sign-in", BACK))
    assert (await city.client.get(await resident(city, next=back))).headers["location"].startswith(BACK)
    forged = await partner.ask(prompt="login", again="x")
    assert forged.headers["location"].startswith("/sign-in/resident")
    assert (await partner.ask(max_age="1000")).headers["location"].startswith(BACK)


async def test_a_code_that_comes_twice_ends_what_it_was_exchanged_for(city: Served, partner: Partner) -> None:
    await resident(city)
    code = await partner.code()
    tokens = (await partner.exchange(code)).json()
    assert (await partner.about(tokens["access_token"])).status_code == 200
    refused(await partner.exchange(code), "invalid_grant")
    refused(await partner.about(tokens["access_token"]), "invalid_token", 401)
    refused(await partner.refresh(tokens["refresh_token"]), "invalid_grant")


async def test_a_code_is_worth_nothing_without_its_verifier_address_client_and_minute(
    city: Served, partner: Partner
) -> None:
    await resident(city)
    thief = await Partner.of(city)
    code = await partner.code()
    refused(await thief.exchange(code, code_verifier=partner.verifier), "invalid_grant")
    for changes in (
        {"code_verifier": "x" * 43},
        {"code_verifier": ""},
        {"redirect_uri": LEFT},
        {"redirect_uri": ""},
    ):
        refused(await partner.exchange(code, **changes), "invalid_grant")
    refused(await partner.exchange("nothing"), "invalid_grant")
    grants = city.kitamae.city.ways.provider.grants
    real, grants._now = grants._now, lambda: real() + 61_000_000
    refused(await partner.exchange(code), "invalid_grant")
    grants._now = real
    assert (await partner.exchange(code)).status_code == 200


async def test_a_stolen_refresh_token_ends_the_family_whoever_comes_second(
    city: Served, partner: Partner
) -> None:
    await resident(city)
    for owner_first in (True, False):
        first = (await partner.exchange(await partner.code())).json()
        second = (await partner.refresh(first["refresh_token"])).json()
        assert second["refresh_token"] != first["refresh_token"]
        third = (await partner.refresh(second["refresh_token"])).json() if owner_first else second
        refused(await partner.refresh(first["refresh_token"]), "invalid_grant")
        refused(await partner.refresh(third["refresh_token"]), "invalid_grant")
        for tokens in (first, second, third):
            refused(await partner.about(tokens["access_token"]), "invalid_token", 401)


async def test_a_refreshed_token_is_about_the_same_person_with_no_more_than_was_agreed(
    city: Served, partner: Partner
) -> None:
    await resident(city)
    first = (await partner.exchange(await partner.code(scope="openid offline_access"))).json()
    refused(await partner.refresh(first["refresh_token"], scope="openid role"), "invalid_scope")
    less = (await partner.refresh(first["refresh_token"], scope="openid")).json()
    assert less["scope"] == "openid"
    said = await believed(city, less["id_token"], partner, None)
    assert said["sub"] == members(decode(first["id_token"].split(".")[1]))["sub"]
    assert "nonce" not in said
    thief = await Partner.of(city)
    refused(await thief.refresh(less["refresh_token"]), "invalid_grant")


async def test_without_offline_access_there_is_no_refresh_token(city: Served, partner: Partner) -> None:
    await resident(city)
    assert "refresh_token" not in (await partner.exchange(await partner.code(scope="openid"))).json()


async def test_a_client_that_does_not_prove_who_it_is_gets_nothing(city: Served, partner: Partner) -> None:
    await resident(city)
    code = await partner.code()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": partner.verifier,
    }

    async def post(path: str, **sent: Any) -> Any:
        return await outside(city, "POST", path, **sent)

    refused(await post("/openid/token", data=form, auth=(partner.id, "wrong")), "invalid_client", 401)
    refused(await post("/openid/token", data=form, auth=("client-0", partner.secret)), "invalid_client", 401)
    refused(await post("/openid/token", data={**form, "client_id": partner.id}), "invalid_client", 401)
    in_form = {**form, "client_id": partner.id, "client_secret": partner.secret}
    refused(await post("/openid/token", data=in_form), "invalid_client", 401)
    refused(await post("/openid/token", data=in_form, auth=(partner.id, partner.secret)), "invalid_request")
    refused(
        await post("/openid/token", headers={"Authorization": "Basic ?"}, data=form), "invalid_client", 401
    )
    refused(await post("/openid/token", json=form, auth=(partner.id, partner.secret)), "invalid_request")
    refused(await partner.token(grant_type="password", username="a", password="b"), "unsupported_grant_type")
    assert (await partner.exchange(code)).status_code == 200


async def test_a_client_with_keys_proves_who_it_is_once_with_each_assertion(city: Served) -> None:
    key = Key.make("theirs")
    partner = await Partner.of(city, keys={"keys": [key.public()]})
    await resident(city)

    def assertion(signer: Key = key, alg: str = "ES256", **changes: Any) -> dict[str, str]:
        now = int(time.time())
        said = {
            "iss": partner.id,
            "sub": partner.id,
            "aud": HERE,
            "jti": str(changes),
            "iat": now,
            "exp": now + 60,
        }
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.issue(said | changes, signer, alg, typ="JWT"),
        }

    async def sent(form: dict[str, str], code: str = "none") -> Any:
        more = {"code": code, "redirect_uri": BACK, "code_verifier": partner.verifier}
        return await outside(
            city, "POST", "/openid/token", data={"grant_type": "authorization_code", **more, **form}
        )

    published = json.dumps(key.public()).encode()
    confused = Key.read({"kty": "oct", "k": encode(published), "kid": "theirs"})
    bad = [
        assertion(aud="https://other.example"), assertion(iss="client-0"), assertion(exp=1), assertion(jti=None),
        assertion(exp=int(time.time()) + 3600), assertion(Key.make("theirs")), assertion(confused, "HS256"),
        {**assertion(a=1), "client_assertion_type": "x"}, {"client_assertion": "a.b.c"}, {"client_id": partner.id},
    ]  # fmt: skip
    for form in bad:
        refused(await sent(form), "invalid_client", 401)
    good = assertion(aud=HERE + "/openid/token")
    assert (await sent(good, await partner.code())).status_code == 200
    refused(await sent(good, await partner.code()), "invalid_client", 401)


async def test_a_public_client_needs_no_secret_and_still_its_verifier(city: Served) -> None:
    partner = await Partner.of(city, public=True)
    await resident(city)
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "client_id": partner.id}
    code = await partner.code()
    wrong = await outside(
        city, "POST", "/openid/token", data={**form, "code": code, "code_verifier": "x" * 43}
    )
    refused(wrong, "invalid_grant")
    right = await outside(
        city, "POST", "/openid/token", data={**form, "code": code, "code_verifier": partner.verifier}
    )
    assert right.status_code == 200


async def test_what_is_no_access_token_says_nothing(city: Served, partner: Partner) -> None:
    await resident(city)
    tokens = (await partner.exchange(await partner.code())).json()
    for wrong in (
        "",
        "x",
        tokens["id_token"],
        tokens["refresh_token"],
        city.client.cookies["kitamae_session"],
    ):
        refused(await partner.about(wrong), "invalid_token", 401)
    answer = await outside(
        city, "GET", "/ngsi-ld/v1/types", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert answer.status_code == 401, "it opens nothing else here"
    grants = city.kitamae.city.ways.provider.grants
    real, grants._now = grants._now, lambda: real() + 601_000_000
    refused(await partner.about(tokens["access_token"]), "invalid_token", 401)
    grants._now = real


async def test_a_revoked_token_ends_and_another_clients_does_not(city: Served, partner: Partner) -> None:
    await resident(city)
    thief = await Partner.of(city)
    tokens = (await partner.exchange(await partner.code())).json()

    async def revoke(by: Partner, token: str) -> int:
        form = {"token": token, "token_type_hint": "refresh_token"}
        return int(
            (await outside(city, "POST", "/openid/revoke", data=form, auth=(by.id, by.secret))).status_code
        )

    for token in (tokens["refresh_token"], tokens["access_token"], "nothing"):
        assert await revoke(thief, token) == 200
    assert (await partner.about(tokens["access_token"])).status_code == 200
    again = (await partner.refresh(tokens["refresh_token"])).json()
    assert await revoke(partner, tokens["access_token"]) == 200
    refused(await partner.about(tokens["access_token"]), "invalid_token", 401)
    assert (await partner.about(again["access_token"])).status_code == 200
    assert await revoke(partner, again["refresh_token"]) == 200
    refused(await partner.about(again["access_token"]), "invalid_token", 401)
    wrong = await outside(city, "POST", "/openid/revoke", data={"token": "x"}, auth=(partner.id, "wrong"))
    refused(wrong, "invalid_client", 401)


async def test_a_person_withdraws_and_the_partner_learns_nothing_more(city: Served, partner: Partner) -> None:
    await resident(city)
    tokens = (await partner.exchange(await partner.code())).json()
    account = await city.client.get("/account")
    assert "のりあいバス予約への同意を取り消す" in account.text
    sent = {"client": partner.id, "csrf": fields(account.text)["csrf"]}
    assert (await city.client.post("/openid/withdraw", data=sent, headers=SAME)).status_code == 303
    refused(await partner.about(tokens["access_token"]), "invalid_token", 401)
    refused(await partner.refresh(tokens["refresh_token"]), "invalid_grant")
    assert (await partner.ask()).status_code == 200, "the person is asked again"
    assert "のりあいバス予約への同意を取り消す" not in (await city.client.get("/account")).text


async def test_a_client_that_the_operator_removed_is_told_nothing(city: Served, partner: Partner) -> None:
    await resident(city)
    tokens = (await partner.exchange(await partner.code())).json()
    clients = city.kitamae.city.ways.provider.clients
    await clients.remove(partner.id)
    refused(await partner.about(tokens["access_token"]), "invalid_token", 401)
    refused(await partner.refresh(tokens["refresh_token"]), "invalid_client", 401)
    assert (await partner.ask()).status_code == 400
    with pytest.raises(NotFound):
        await clients.remove(partner.id)


async def test_a_partner_signs_people_out_with_their_hint_or_after_asking_them(
    city: Served, partner: Partner
) -> None:
    await resident(city)
    token = (await partner.exchange(await partner.code())).json()["id_token"]
    for wrong in (
        {"post_logout_redirect_uri": "https://other.example", "id_token_hint": token},
        {"post_logout_redirect_uri": LEFT}, {"id_token_hint": token[:-4] + "AAAA"},
        {"id_token_hint": token, "client_id": "client-0"},
    ):  # fmt: skip
        assert (await city.client.get("/openid/end-session", params=wrong)).status_code == 400
    asked = await city.client.get("/openid/end-session", params={"client_id": partner.id})
    assert "サインアウトしますか" in asked.text
    assert (await city.client.get("/account")).status_code == 200, "a link alone signs nobody out"
    left = await city.client.post("/openid/end-session", data=fields(asked.text), headers=SAME)
    assert (left.status_code, left.headers["location"]) == (303, "/")
    assert (await city.client.get("/account")).status_code == 303
    await resident(city)
    hint = {"id_token_hint": token, "post_logout_redirect_uri": LEFT, "state": "x"}
    left = await city.client.get("/openid/end-session", params=hint)
    assert left.headers["location"] == LEFT + "?state=x"
    assert (await city.client.get("/account")).status_code == 303
    await resident(city, "test-2")
    assert "サインアウトしますか" in (await city.client.get("/openid/end-session", params=hint)).text


async def test_keys_are_published_before_they_sign_and_after_and_one_store_has_the_same_for_all(
    city: Served, tmp_path: Path
) -> None:
    provider = city.kitamae.city.ways.provider
    keys = provider.keys
    day = 86_400_000_000
    start, at = keys._now(), 0
    keys._now = lambda: start + at
    first = (await keys.signing()).kid
    assert [key.kid for key in (await keys.published()).all] == [first]
    at = 90 * day + 1
    names = [key.kid for key in (await keys.published()).all]
    assert (names[0], len(names), (await keys.signing()).kid) == (first, 2, first)
    at += day
    assert (await keys.signing()).kid == names[1]
    assert len((await keys.published()).all) == 2, "an ID token may still be shown as a hint"
    at += 7 * day
    assert [key.kid for key in (await keys.published()).all] == names[1:]
    other = type(keys)(city.kitamae.city.store, city.kitamae.city.ways.seal, keys._now)
    assert (await other.signing()).kid == names[1]
    kept = await city.kitamae.city.store.documents("", "provider")
    assert '"d"' not in json.dumps(kept)


async def test_a_restart_changes_nothing_for_partners_and_a_restore_signs_everybody_out(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    async with serving(data, demo_residents=True) as city:
        partner = await Partner.of(city)
        await resident(city)
        tokens = (await partner.exchange(await partner.code())).json()
        first = members(decode(tokens["id_token"].split(".")[1]))
    async with serving(data, demo_residents=True) as city:
        partner.served = city
        again = (await partner.refresh(tokens["refresh_token"])).json()
        assert (await believed(city, again["id_token"], partner, None))["sub"] == first["sub"]
        await city.kitamae.backup(tmp_path / "backup")
        later = (await partner.refresh(again["refresh_token"])).json()
        await city.kitamae.restore(tmp_path / "backup")
        refused(await partner.refresh(again["refresh_token"]), "invalid_grant")
        refused(await partner.refresh(later["refresh_token"]), "invalid_grant")
        await resident(city)
        assert (await partner.exchange(await partner.code())).status_code == 200


@pytest.mark.parametrize(
    "chosen",
    [
        {"redirects": []}, {"redirects": ["http://bus.example.jp/"]}, {"redirects": ["https://bus.example.jp/#a"]},
        {"redirects": ["https://*.example.jp/"]}, {"redirects": ["https://a@bus.example.jp/"]},
        {"redirects": ["javascript:alert(1)"]}, {"redirects": ["https://bus.example.jp/\n"]}, {"redirects": ["/back"]},
        {"redirects": ["https://a.example.jp/", "https://b.example.jp/"]}, {"redirects": ["https://a:b/"]},
        {"keys": {"keys": []}}, {"keys": {"keys": [Key.make("a").private()]}}, {"keys": "x"},
        {"keys": {"keys": [Key.make("a").public()]}, "public": True},
    ],
)  # fmt: skip
async def test_a_client_is_registered_only_with_addresses_and_keys_that_are_safe(
    city: Served, chosen: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        await Partner.of(city, **chosen)
    assert await city.kitamae.city.ways.provider.clients.all() == []


async def test_what_it_says_of_itself_is_where_it_answers(city: Served) -> None:
    said = (await city.client.get("/.well-known/openid-configuration")).json()
    assert said["issuer"] == HERE
    assert (said["response_types_supported"], said["code_challenge_methods_supported"]) == (
        ["code"],
        ["S256"],
    )
    assert (said["subject_types_supported"], "none" in said["id_token_signing_alg_values_supported"]) == (
        ["pairwise"],
        False,
    )
    for name in ("authorization", "token", "userinfo", "revocation", "end_session"):
        assert (await city.client.get(said[name + "_endpoint"])).status_code in (200, 303, 400, 401, 405)
    assert (await city.client.get(said["jwks_uri"])).json()["keys"][0]["kty"] == "EC"


async def test_its_keys_are_no_company_on_the_page_for_developers(city: Served) -> None:
    assert (await city.client.get("/openid/keys")).json()["keys"]
    assert (await city.client.get("/developers")).status_code == 200
