"""Every page that answers without being told anything more, as the routes list them: whoever comes, on a small phone, in five languages.

Each person's pages are looked at in Japanese and in one other language, in turn; and in Japanese without a script, which has to say the same.
"""

from __future__ import annotations

import re

import httpx2
import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import LANGUAGES, PHONE, draw, read_strictly, wrong
from browser.town import Town, send
from serving import Served
from staffing import entered, give, known
from web.developers.building import built

PEOPLE = ("nobody", "visitor", "resident", "staff")
NO_PAGE = {
    "/map/basemap.pmtiles": "the map's tiles, which this city has not fetched",
    "/my/delegations/held": "for whom nobody has asked to be acted for, it goes elsewhere",
    "/openid/authorize": "a partner's site sends people here, and says which it is",
    "/openid/userinfo": "for programs of partners",
    "/sign-in/resident/return": "the answer of whoever knows the residents",
    "/sign-in/resident/start": "goes to whoever knows the residents",
    "/staff/orders/correct": "a correction is of a case, which the address has to name",
    "/stand-in/authorize": "the stand-in of whoever knows the residents, asked as a relying party asks",
    "/v2/findUsage": "for programs that ask who used somebody's data",
}
"""Addresses of pages that are no page without an argument."""
TELLS_OF_ITSELF = {"/staff/access-log"}
"""Looking at it adds a line to it: test_access_log.py compares a part that stays."""
ONLY_WITH_SCRIPT = "[data-island], [data-passkey], [data-near], [data-nearest], [data-pause], [data-position], [data-print], noscript"
"""What a script adds, and what stands in its place."""


class Answers:
    """What everybody gets at every address without arguments: `pages` of each person that say something of their own."""

    def __init__(self, address, secrets):
        described = httpx2.get(f"{address}/openapi.json").json()["paths"]
        self.paths = sorted(
            path
            for path, operations in described.items()
            if "{" not in path and "pages" in operations.get("get", {}).get("tags", ())
        )
        self.pages, self.without = {who: [] for who in secrets}, set(self.paths)
        known = set()
        for who, secret in secrets.items():
            cookies = {"kitamae_session": secret} if secret else {}
            with httpx2.Client(base_url=address, cookies=cookies, timeout=30) as client:
                for path in self.paths:
                    with client.stream("GET", path, headers={"accept": "text/html"}) as answer:
                        kind = answer.headers.get("content-type", "")
                        if answer.status_code == 200 and not kind.startswith("text/html"):
                            self.without.discard(path)  # a file, a document, a stream
                        elif answer.status_code == 200:
                            text = answer.read().decode()
                            self.without.discard(path)
                            if (path, _words(text)) not in known:
                                known.add((path, _words(text)))
                                self.pages[who].append(path)


def _words(text):
    """Of the page's own part, without what is new each time."""
    return re.sub(r"<[^>]*>|\d+", " ", text[text.index("<main") : text.index("</main>")])


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A city in which something has happened: a company, a case, a complaint, a breach, records, an account of staff with every duty."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"), demo_residents=True)
    served, city = Served(town.kitamae, None), town.kitamae.city
    made = town.do(built(served))
    every = town.do(city.people.staff(another=True))
    town.do(give(served, every, *(duty.id for duty in city.ways.office.plan)))
    town.do(known(served, "resident-taro"))
    town.do(entered(served, "resident-taro"))
    resident, of_resident = town.session("resident-taro", "resident", 3)
    staff, of_staff = town.session(every, "staff", 2)
    with resident, staff:
        asked = {"about": "receipt:3", "text": "説明がありませんでした。"}
        send(resident, "/my/requests/new?kind=complaint", kind="complaint", **asked)
        said = {"learnt": "2026-04-01", "wrongful": "1", "persons": "120", "summary": "名簿を誤って送った"}
        send(staff, "/staff/breaches", **said)
    town.secrets = {"nobody": "", "visitor": made.session, "resident": of_resident, "staff": of_staff}
    town.answers = Answers(town.address, town.secrets)
    yield town
    town.stop()


def test_every_address_of_a_page_is_a_page_for_somebody(town):
    assert town.answers.without == set(NO_PAGE)
    assert {who: len(pages) > 5 for who, pages in town.answers.pages.items()} == dict.fromkeys(PEOPLE, True)
    desks = {desk.href for desk in town.kitamae.city._rooms._shell.desks}
    assert desks <= set(town.answers.pages["staff"]), "every desk is among what is looked at"


@pytest.mark.parametrize("who", PEOPLE)
def test_nothing_is_wrong_with_any_page_on_a_small_phone_and_without_a_script_it_says_the_same(
    chromium, town, who
):
    page = with_session(chromium, town.address, town.secrets[who], PHONE)
    found, said = {}, {}
    for number, path in enumerate(town.answers.pages[who]):
        for lang in ("ja", LANGUAGES[1 + number % 4]):
            answer = page.goto(f"{town.address}{path}?lang={lang}")
            assert answer.status == 200, (path, page.url)
            read_strictly(answer.text())
            draw(page, f"{who} {path}", lang, PHONE)
            if lang == "ja":
                said[path] = _read(page)
            if faults := wrong(page):
                found[path, lang] = faults
    page.context.close()
    assert found == {}
    page = with_session(chromium, town.address, town.secrets[who], PHONE, java_script_enabled=False)
    without = {}
    for path in said:
        page.goto(f"{town.address}{path}?lang=ja")
        without[path] = _read(page)
    page.context.close()
    for path in set(said) - TELLS_OF_ITSELF:
        assert without[path] == said[path], path


def _read(page):
    """The words of the page, without those that a script adds, and without what is new each time."""
    text = page.inner_text("body")
    for one in page.locator(ONLY_WITH_SCRIPT).all():
        text = text.replace(one.inner_text(), "", 1)
    return re.sub(r"\d+", "0", text).split()
