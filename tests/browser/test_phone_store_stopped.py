"""A keeper's phone when the city's PostgreSQL is stopped: what it sends is answered 503, stays on the phone, and arrives with its own time."""

from __future__ import annotations

import httpx2
import pytest
from served_city import servers

from bare_kaga import bare
from browser.people import anybody, by_link
from browser.seen import PHONE, draw, wrong
from postgres_server import Cluster, binaries, dsn, folder

pytestmark = pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not on this machine")
DESK = "/staff/shelters"


@pytest.fixture
def cluster():
    one = Cluster(folder())
    yield one
    one.remove()


def test_a_report_that_is_answered_503_waits_on_the_phone_and_is_taken_once_when_the_store_is_back(
    chromium, cluster, tmp_path
):
    with servers() as start:
        store = ("--store", dsn("city", cluster))
        town = start("--city", str(bare(tmp_path / "city")), *store, data=tmp_path / "data")
        desk = by_link(anybody(chromium), town.link)
        desk.goto(town.address + DESK)
        desk.get_by_label("場所の名前").fill("寄合い処")
        desk.get_by_role("button", name="この場所を開く").click()
        desk.get_by_role("button", name="まちがえて開いたので取り消す").wait_for()
        found = httpx2.get(f"{town.address}/ngsi-ld/v1/entities?type=EvacuationShelter").json()
        shelter = found[0]["id"]
        desk.get_by_role("link", name="この避難所の人に報告用リンクをわたす").click()
        desk.get_by_role("button", name="リンクを作る").click()
        phone = anybody(chromium, PHONE)
        phone.goto(desk.locator("p > code", has_text="/l/").inner_text())
        answered = []
        phone.on(
            "response", lambda one: answered.append(one.status) if one.request.method == "POST" else None
        )
        cluster.stop()
        for people in ("21", "22"):
            phone.get_by_label("避難者数（人）").fill(people)
            phone.get_by_role("button", name="送る").click()
            phone.get_by_text(f"{int(people) - 20}件がこのスマートフォンに残っています").wait_for()
        phone.wait_for_function("() => true")
        assert set(answered) <= {503}
        assert answered, "it asked, and was told to wait"
        draw(phone, "store-stopped", "ja", PHONE)
        assert wrong(phone) == []
        everybody = anybody(chromium, PHONE)
        everybody.goto(f"{town.address}/disaster")
        assert "寄合い処" in everybody.inner_text("main"), "the page stays"
        cluster.start()
        for _ in range(40):
            phone.evaluate("dispatchEvent(new Event('online'))")
            phone.wait_for_timeout(500)
            if "残っています" not in phone.get_by_role("status").inner_text():
                break
        phone.get_by_text("送りました").wait_for()
        path = f"/ngsi-ld/v1/temporal/entities/{shelter}?options=temporalValues&attrs=避難者数"
        told = httpx2.get(town.address + path).json()["避難者数"]["values"]
        assert [value for value, _ in told] == [21, 22], "each once, in their order"
