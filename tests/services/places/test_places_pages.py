"""The page and the JSON of `places`, over a small city."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.testclient import TestClient

from kitamae.kernel.problems import BadRequest
from kitamae.sdk.changes import Changes
from kitamae.sdk.manifest import Manifest
from kitamae.sdk.room import Room
from kitamae.services.places import api, pages
from kitamae.web.page import ShellPage
from kitamae.web.routes import problem_handlers
from kitamae.web.shell import City, Shell
from web.conftest import ENTITIES
from web.fake import FakeContext

FOLDER = Path(pages.__file__).parent


async def refused(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, BadRequest)
    return JSONResponse(problem.body(), problem.status)


@pytest.fixture
def site() -> Iterator[TestClient]:
    context = FakeContext(ENTITIES)
    shell = Shell(context, City({"ja": "加賀市", "ja_Hira": "かがし", "en": "Kaga City"}))
    manifest = Manifest.read(FOLDER / "manifest.toml")
    room = Room(manifest, None, context, ShellPage(shell, FOLDER), Changes(str))
    programs = FastAPI(exception_handlers={BadRequest: refused})
    programs.include_router(api.router(room))
    app = Starlette(
        routes=[*pages.routes(room), Mount("/api/places", programs)],
        exception_handlers=problem_handlers(shell),
    )
    with TestClient(app, raise_server_exceptions=True) as client:
        yield client


@pytest.mark.parametrize(
    "text", ["きんじょう", "キンジョウ", "ｷﾝｼﾞｮｳ", "kinjo", "錦城", "大聖寺地方町", "錦城 大聖寺"]
)
def test_a_place_is_found_by_name_reading_or_address_however_it_is_typed(site: TestClient, text: str) -> None:
    answer = site.get("/places", params={"text": text}).text
    assert "錦城山公園" in answer
    assert "金明" not in answer


def test_nothing_found_is_said_with_what_to_try(site: TestClient) -> None:
    assert "みつかりませんでした" in site.get("/places", params={"text": "ありえない名前"}).text


def test_the_nearest_comes_first_with_its_distance(site: TestClient) -> None:
    text = site.get("/places", params={"near": "136.253,36.294"}).text
    assert text.index("塩屋地区会館") < text.index("錦城山公園")
    assert "ここから 70 m" in text


@pytest.mark.parametrize("near", ["x", "1", "1,2,3", "nan,1", "181,0", "0,91", "inf,inf", "1e999,0"])
def test_a_place_that_is_nowhere_on_earth_is_said_to_be_unknown(near: str, site: TestClient) -> None:
    answer = site.get("/places", params={"near": near})
    assert answer.status_code == 200
    assert "いまいる場所が分かりませんでした" in answer.text


def test_kinds_can_be_chosen_without_script(site: TestClient) -> None:
    text = site.get("/places", params={"kind": "PublicToilet"}).text
    assert "錦城山公園" in text
    assert "金明小学校" not in text


def test_a_shelter_about_which_nothing_is_known_says_so_and_is_not_called_safe(site: TestClient) -> None:
    text = site.get("/places", params={"text": "塩屋"}).text
    assert "安全とは限りません" in text
    assert "指定あり" not in text


def test_what_a_person_types_is_shown_as_text(site: TestClient) -> None:
    text = site.get("/places", params={"text": '"><script>x</script>'}).text
    assert "<script>x" not in text


@pytest.mark.parametrize("offset", ["-1", "x", "٣", "5", "9" * 30])
def test_a_page_beyond_the_list_is_its_first(offset: str, site: TestClient) -> None:
    assert "錦城山公園" in site.get("/places", params={"offset": offset}).text


def test_a_program_gets_the_same_places_with_their_distance(site: TestClient) -> None:
    found = site.get(
        "/api/places/search", params={"near": "136.253,36.294", "kind": "EvacuationShelter"}
    ).json()
    assert [place["name"] for place in found] == ["加賀市立塩屋地区会館", "加賀市立金明小学校"]
    assert 60 < found[0]["metres"] < 80


@pytest.mark.parametrize(("name", "value"), [("near", "here"), ("kind", "Dragon")])
def test_a_question_that_makes_no_sense_is_refused_with_its_name(
    site: TestClient, name: str, value: str
) -> None:
    answer = site.get("/api/places/search", params={name: value})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{name}: expected")


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "x"), ("text", "x" * 61)])
def test_a_parameter_out_of_its_range_is_refused_with_its_name(
    site: TestClient, name: str, value: str
) -> None:
    answer = site.get("/api/places/search", params={name: value})
    assert answer.status_code == 422
    assert name in answer.text
