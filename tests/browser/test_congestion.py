"""How busy places are, in a real browser: staff count without script, everybody sees it on a phone in five languages."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from served_city import kitamae, servers

from bare_kaga import bare
from browser.people import anybody, by_link, with_session
from browser.seen import in_order

DESK = "/staff/congestion"
HALL = "urn:ngsi-ld:CrowdFlowObserved:172065:hall"


def counts(until):
    """Twelve weeks of hours: more by day, and more on weekends, by a counter that was broken for three hours yesterday."""
    for n in range(24 * 84):
        at = until - timedelta(hours=n)
        hour = (at.hour + 8) % 24  # the hour in Japan that ends then
        people = (20 + 12 * min(hour - 8, 21 - hour)) * (2 if (at + timedelta(hours=9)).weekday() > 4 else 1)
        broken = 20 <= n < 23
        yield {
            "type": "Property",
            "value": 0 if broken or not 9 <= hour < 21 else people,
            "observedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        running = start("--city", str(bare(folder / "city")), data=folder / "data")
        token = kitamae("token", "create", "t", "write:CrowdFlowObserved", "--data", running.data)
        until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        facts = {
            "名称": "市民会館", "名称_カナ": "シミンカイカン", "住所": "石川県加賀市大聖寺", "計測間隔": 60,
            "利用可能曜日": "毎日", "開始時間": "00:00", "終了時間": "23:59", "利用可能日時特記事項": "年末年始は休み",
        }  # fmt: skip
        entity = {"id": HALL, "type": "CrowdFlowObserved", "人数": list(counts(until))}
        last = {**entity, "人数": {**entity["人数"][0], "value": 96}} | {
            name: {"type": "Property", "value": value} for name, value in facts.items()
        }
        last["location"] = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.31, 36.30]}}
        with httpx2.Client(headers={"Authorization": f"Bearer {token.stdout.strip()}"}, timeout=60) as client:
            for path, sent in (
                ("temporal/entities", entity),
                ("entityOperations/upsert?options=update", [last]),
            ):
                made = client.post(f"{running.address}/ngsi-ld/v1/{path}", json=sent)
                assert made.status_code in (201, 204), made.text[:500]
            for _ in range(300):
                if "混雑の見通し" in client.get(f"{running.address}/ngsi-ld/v1/entities/{HALL}").json():
                    break
                time.sleep(0.1)
        yield running


def test_staff_count_without_script_and_nothing_is_wrong_with_any_page(chromium, town):
    cookies = by_link(anybody(chromium), town.link).context.cookies()
    secret = next(one["value"] for one in cookies if one["name"] == "kitamae_session")
    desk = with_session(chromium, town.address, secret, java_script_enabled=False)
    desk.goto(f"{town.address}/staff")
    desk.get_by_role("link", name="人数をかぞえる", exact=True).click()
    desk.get_by_label("施設の名前").fill("図書館")
    desk.get_by_label("開いている曜日（分かれば）").fill("毎日")
    desk.get_by_label("開く時刻").fill("00:00")
    desk.get_by_label("閉まる時刻").fill("23:59")
    desk.get_by_role("button", name="この施設を加える").click()
    desk.get_by_label("いまいる人の数").fill("10000000")
    desk.get_by_role("button", name="この人数にする").click()
    desk.get_by_text("受け付けませんでした").wait_for()
    desk.get_by_label("いまいる人の数").fill("7")
    desk.get_by_role("button", name="この人数にする").click()
    desk.get_by_text("書きました").first.wait_for()
    library = desk.url.partition("?")[0].removeprefix(town.address)
    reader = anybody(chromium)
    for _ in range(100):
        reader.goto(f"{town.address}/congestion?lang=ja")
        if reader.get_by_text("10人未満").count() > 1:
            break
        time.sleep(0.1)
    assert reader.get_by_text("10人未満").count() > 1
    in_order(reader, town.address, ("/congestion", "/congestion/hall"), "busy")
    in_order(with_session(chromium, town.address, secret), town.address, (DESK, library), "count")
    desk.goto(f"{town.address}{library}?lang=ja")
    desk.get_by_role("button", name="いま書いた人数を取り消す").click()
    desk.get_by_text("元にもどしました").wait_for()


def test_without_script_a_day_is_chosen_and_its_hours_are_a_table(chromium, town):
    page = anybody(chromium, java_script_enabled=False)
    page.goto(f"{town.address}/congestion?lang=ja")
    page.get_by_role("link", name="市民会館").click()
    assert page.get_by_role("img", name="ふだんの人数と見通しのグラフ").is_visible()
    page.locator("nav p.actions a").nth(1).click()
    assert "day=" in page.url
    rows = page.get_by_role("region", name="これからの見通しの表").get_by_role("row")
    assert rows.count() > 12
    assert page.get_by_text("測れていません").count() == 1, "the three hours stand together"
