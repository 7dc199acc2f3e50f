"""The public registers and their desks in a real browser: nothing for axe to find, nothing that scrolls sideways, a sign to print."""

from __future__ import annotations

import pytest
from served_city import servers

from browser.conftest import ROOT
from browser.people import anybody, by_link
from browser.seen import LANGUAGES, PHONE, read_strictly, wrong

OPEN = (
    "/registers", "/registers/services", "/registers/services/rivers", "/registers/pias", "/registers/pias/rivers", "/registers/pias/city-platform",
    "/registers/sensors", "/registers/sensors?text=zzz", "/registers/sensors/river-1700000063",
    "/registers/sensors/river-1700000063/sign", "/registers/incidents", "/registers/incidents/{incident}",
)  # fmt: skip
DESKS = (
    "/desk/papers", "/desk/papers/rivers", "/desk/papers/places", "/desk/sensors", "/desk/sensors/new",
    "/desk/sensors/river-1700000063", "/desk/incidents", "/desk/incidents/{incident}",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(chromium, tmp_path_factory):
    """(address, storage of a signed-in member of staff, an incident): comments are asked for on one assessment."""
    with servers() as start:
        town = start("--city", str(ROOT / "cities" / "kaga"), data=tmp_path_factory.mktemp("town") / "data")
        page = by_link(anybody(chromium), town.link)
        page.goto(town.address + "/desk/papers/rivers")
        page.get_by_role("button", name="見直しを始める").click()
        page.get_by_label("募集の終わりの日").fill(page.get_by_label("募集の終わりの日").get_attribute("min"))
        page.get_by_role("button", name="募集を始める").click()
        page.goto(town.address + "/registers/pias/rivers")
        page.get_by_label("ご意見").fill("水位が古いときの表示を大きくしてほしい。")
        page.get_by_role("button", name="意見を送る").click()
        page.get_by_text("ご意見を受け取りました").wait_for()
        page.goto(town.address + "/desk/incidents")
        page.get_by_label("題", exact=True).fill("水位のページが止まった")
        page.get_by_label("起きたこと").fill("30分のあいだ見られなかった。")
        page.get_by_role("button", name="登録する").click()
        page.wait_for_url("**/desk/incidents/*")
        incident = page.url.rpartition("/")[2]
        page.get_by_label("したこと、分かったこと").fill("原因を調べている。")
        page.get_by_role("button", name="記録に足す").click()
        page.get_by_text("原因を調べている。").wait_for()
        page.get_by_text("公表する（あとから取り消せません）").click()
        page.get_by_role("button", name="変える").click()
        page.get_by_text("公表ずみ").first.wait_for()
        yield town.address, page.context.storage_state(), incident
        page.context.close()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("who", ["everybody", "staff"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(chromium, desk, lang, who):
    address, storage, incident = desk
    page = anybody(chromium, PHONE, storage_state=storage if who == "staff" else None)
    for path in DESKS if who == "staff" else OPEN:
        answer = page.goto(
            f"{address}{path.format(incident=incident)}{'&' if '?' in path else '?'}lang={lang}"
        )
        assert answer.status == 200, path
        assert wrong(page) == [], path
        read_strictly(answer.text())
    page.context.close()


def test_a_sensors_sign_fits_on_one_sheet_and_carries_its_code(chromium, desk):
    address, _, _ = desk
    context = chromium.new_context(locale="ja-JP")
    page = context.new_page()
    page.goto(address + "/registers/sensors/river-1700000063/sign")
    assert page.locator("svg.qr").count() == 1
    pdf = page.pdf(format="A4")
    assert pdf.count(b"/Type /Page\n") == 1 or pdf.count(b"/Type /Page") - pdf.count(b"/Type /Pages") == 1
    context.close()
