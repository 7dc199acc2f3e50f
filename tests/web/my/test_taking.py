"""The file with everything: also what is held about a person outside the vault."""

from __future__ import annotations

from urllib.parse import urlsplit

import staffing
from kernel.people.test_passkeys import Device
from kitamae.kernel.people.colleagues import called
from kitamae.kernel.people.jose.encoding import encode
from serving import Served
from web.delegates.test_delegations import appointed, browser, ref
from web.my.test_my import get, me, town

__all__ = ["town"]


async def test_mandates_are_taken_along_by_both_sides_and_by_nobody_else(town: Served) -> None:
    async with (
        browser(town, "test-1") as one,
        browser(town, "test-3") as other,
        browser(town, "test-2") as third,
    ):
        number = await appointed(one, other)
        for side in (one, other):
            (mandate,) = (await side.client.get("/my/export")).json()["mandates"]
            assert (mandate["number"], mandate["state"]) == (number, "holds")
            assert (mandate["of"], mandate["by"]) == (await ref(one), await ref(other))
            assert mandate["classes"] == ["identity"]
        told = (await third.client.get("/my/export")).json()
        assert (told["mandates"], told["flags"], told["passkeys"]) == ([], [], [])


async def test_passkeys_are_taken_along_with_their_public_keys(town: Served) -> None:
    person = await me(town)
    passkeys, device = town.kitamae.city.ways.passkeys, Device()
    device.origin = passkeys.origin
    device.site = str(urlsplit(passkeys.origin).hostname)
    offer = await passkeys.offer(person, "まち")
    await passkeys.register(person, offer.note, device.create(offer.options), "わたしの電話")
    (told,) = (await town.client.get("/my/export")).json()["passkeys"]
    assert (told["id"], told["person"], told["name"]) == (encode(device.id), person, "わたしの電話")
    assert told["key"]
    assert told["createdAt"]
    await me(town, "test-2")
    assert (await town.client.get("/my/export")).json()["passkeys"] == []


async def test_the_looks_in_the_file_say_as_what_the_staff_looked(town: Served) -> None:
    person = await me(town)
    mine = dict(town.client.cookies)
    await town.kitamae.city.people.staff()
    staff = await town.kitamae.city.people.staff(another=True, called=called("窓口 花子", "市民課"))
    await staffing.give(town, staff, "counter")
    await staffing.enter(town, staff)
    await get(town, f"/people/{person}/records?purpose=identity")
    town.client.cookies.clear()
    town.client.cookies.update(mine)
    told = (await town.client.get("/my/export")).json()
    look = next(one for one in told["looks"] if one["who"] == staff)
    assert look["post"]["section"] == "市民課"
    assert [duty["en"] for duty in look["post"]["duties"]] == ["Counter"]
    assert next(one for one in told["looks"] if one["who"] == person)["post"] is None
    assert "窓口 花子" not in await get(town, "/my/export")
