"""A program asked that records go: the desk says which one, and a member of staff decides, also without script; and what belongs to a
provider is named before somebody erases everything.
"""

from __future__ import annotations

import httpx2
import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import in_order
from browser.town import Town
from serving import Served
from staffing import give, known

PERSON = "resident-taro"
WHY = "保存期間が過ぎたため（加賀市文書取扱規程による）"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    served = Served(town.kitamae, None)
    town.do(town.kitamae.city.people.staff())
    clerk = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(served, clerk, "counter"))
    town.do(known(served, PERSON))
    _, town.staff = town.session(clerk, "staff", 2)
    _, town.resident = town.session(PERSON, "resident", 3)
    secret, _ = town.do(town.kitamae.city.people.tokens.issue("保存期間の点検", ["delete:person:identity"]))
    asked = httpx2.request(
        "DELETE",
        f"{town.address}/people/{PERSON}/records?purpose=identity",
        json={"why": WHY},
        headers={"Authorization": f"Bearer {secret}"},
    )
    town.order = asked.json()["address"]

    async def belongs(tx):
        provider = {
            "number": "p0123456789ab", "name": "加賀のりあい交通株式会社", "sort": "company", "state": "accepted", "members": [PERSON], "ledger": [],
        }  # fmt: skip
        await tx.put("", "city-provider", provider["number"], provider)
        own = {**provider, "number": "pabcdef012345", "name": "花と写真の会", "sort": "volunteer"}
        await tx.put("", "city-provider", own["number"], own)
        await tx.put("", "provider-of", PERSON, [provider["number"], own["number"]])

    town.do(town.kitamae.city.store.transact(belongs))
    yield town
    town.stop()


def test_the_pages_are_in_order_in_every_language(chromium, town):
    in_order(
        with_session(chromium, town.address, town.staff), town.address, ("/staff/orders", town.order), "desk"
    )
    in_order(with_session(chromium, town.address, town.resident), town.address, ("/my/erase",), "person")


def test_a_member_of_staff_decides_by_keyboard_without_script(chromium, town):
    page = with_session(chromium, town.address, town.staff, java_script_enabled=False)
    page.goto(f"{town.address}{town.order}?lang=ja")
    assert "プログラム「保存期間の点検」" in page.inner_text("main")
    page.get_by_role("button", name="認めて消す").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{town.order}?done=approve")
    assert "消しました" in page.inner_text("main")
