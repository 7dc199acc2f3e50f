"""The page door: languages, sizes, headers."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from kitamae.web.page import ShellPage
from kitamae.web.shell import HERE
from web.conftest import TOILET


@pytest.mark.parametrize(
    ("address", "headers", "tag"),
    [
        ("/", {}, "ja"),
        ("/", {"accept-language": "en-GB,en;q=0.9,ja;q=0.5"}, "en"),
        ("/", {"accept-language": "fr, zz;q=1"}, "ja"),
        ("/?lang=ja-Hira", {"accept-language": "en"}, "ja-Hira"),
        ("/?lang=ja_Hira", {}, "ja-Hira"),
        ("/?lang=zh", {}, "zh-Hans"),
        ("/?lang=fr", {}, "ja"),
        ("/", {"cookie": "lang=en"}, "en"),
        ("/?lang=ja", {"cookie": "lang=en", "accept-language": "en"}, "ja"),
    ],
)
def test_a_page_speaks_what_was_asked_then_chosen_then_preferred(site, address, headers, tag):
    answer = site.get(address, headers=headers)
    assert answer.headers["content-language"] == tag
    assert f'<html lang="{tag}"' in answer.text


def test_a_language_chosen_by_a_link_stays_without_script(site):
    site.get("/?lang=en")
    assert site.get("/accessibility").headers["content-language"] == "en"


def test_the_language_switch_keeps_the_page_and_its_question(site):
    page = site.get("/map", params={"text": "金明 & <b>", "kind": "EvacuationShelter"})
    assert (
        'href="/map?text=%E9%87%91%E6%98%8E+%26+%3Cb%3E&amp;kind=EvacuationShelter&amp;lang=en"' in page.text
    )


def test_the_switch_never_leads_to_another_server(site):
    page = site.get("http://testserver//elsewhere.example/x")
    assert 'href="//' not in page.text


def test_text_size_is_a_link_and_stays(site):
    assert 'data-size="larger"' in site.get("/?size=larger").text
    assert 'data-size="larger"' in site.get("/map").text
    assert 'data-size="larger"' in site.get("/?size=99").text


def test_pages_allow_nothing_inline_and_nothing_from_elsewhere(site):
    for address in ("/", "/map", f"/entity/{TOILET}", "/nowhere"):
        answer = site.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert " style=" not in answer.text
        assert "<style" not in answer.text
        assert " onclick" not in answer.text


def test_what_a_person_types_is_never_markup(site):
    assert "<script>alert" not in site.get("/map", params={"text": '"><script>alert(1)</script>'}).text


def test_a_cache_between_us_keeps_languages_apart(site):
    assert {"accept-language", "cookie"} <= {
        part.strip().lower() for part in site.get("/").headers["vary"].split(",")
    }


def test_a_long_page_is_sent_packed_to_those_who_can_unpack_it(site):
    packed = site.get("/map", headers={"accept-encoding": "gzip, br"})
    plain = site.get("/map", headers={"accept-encoding": "identity"})
    refused = site.get("/map", headers={"accept-encoding": "gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text == refused.text
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert "Accept-Encoding" in plain.headers["vary"]


def test_a_page_that_is_not_to_be_kept_is_never_packed_with_what_a_stranger_chose(shell):
    page = ShellPage(shell, HERE)
    request = Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [(b"accept-encoding", b"gzip")],
        }
    )
    answer = page.render(request, "accessibility.html", headers={"Cache-Control": "no-store"})
    assert "content-encoding" not in answer.headers


def test_our_files_are_packed_and_still_recognised_when_they_have_not_changed(site):
    first = site.get("/static/kitamae.css", headers={"accept-encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.text == site.get("/static/kitamae.css", headers={"accept-encoding": "identity"}).text
    again = site.get(
        "/static/kitamae.css", headers={"if-none-match": first.headers["etag"], "accept-encoding": "gzip"}
    )
    assert again.status_code == 304
