"""The desk of providers in a real browser: five languages, a small phone, axe, strict HTML, and without script."""

from __future__ import annotations

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import PHONE, in_order
from browser.town import Town
from kitamae.kernel.people.providers import Application
from providing import member
from serving import Served
from web.developers.building import built

PAGE = "/staff/providers"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A company with a contract and a key in force, of which a new version waits; a volunteer who applied."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    served = Served(town.kitamae, None)
    made = town.do(built(served))
    town.do(made.key("", writes=True))
    volunteer = Application("volunteer", "地図の人", "", "map@example.jp", "避難所の地図を作ります")
    applied = town.do(town.kitamae.city.providers.apply(member(), volunteer))
    town.client, town.session_ = town.session(made.desk[1].ref, "staff", 2)
    town.other, town.first = town.session(made.desk[0].ref, "staff", 2)
    town.contract = f"{PAGE}/contracts/{made.contract}"
    town.provider, town.applied = f"{PAGE}/{made.provider}", f"{PAGE}/{applied['number']}"
    town.form = f"{town.provider}/contract?of={made.contract}"
    yield town
    town.stop()


def test_a_version_is_prepared_and_confirmed_by_another_without_script(chromium, town):
    page = with_session(chromium, town.address, town.first, PHONE, java_script_enabled=False)
    page.goto(f"{town.address}{town.form}")
    page.get_by_label("1日の上限（回）").fill("50000")
    page.get_by_role("button", name="二人目の確認に出す").click()
    page.get_by_text("自分で用意したものは、自分では認められません。").wait_for()
    page = with_session(chromium, town.address, town.session_, PHONE, java_script_enabled=False)
    page.goto(f"{town.address}{PAGE}")
    page.get_by_text("新しい版があります").first.wait_for()
    page.goto(f"{town.address}{town.contract}")
    page.get_by_role("button", name="認める", exact=True).wait_for()


def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways_at_the_desk(chromium, town):
    page = with_session(chromium, town.address, town.session_)
    in_order(
        page,
        town.address,
        (PAGE, town.applied, town.provider, town.form, town.contract, f"{town.contract}/paper"),
    )
