from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kitamae.edge.edge import Edge
from kitamae.edge.measures import Measures, route
from kitamae.kernel.people.person import NOBODY, Principal, asking
from kitamae.kernel.problems import NotFound, NotSignedIn, Problem, TooManyRequests, Unavailable
from kitamae.settings import Settings

STAFF = Principal("staff-1", "staff")


class Answer:
    """What an ASGI application sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert not self.status, "an answer may start only once"
            self.status, self.headers = message["status"], message["headers"]
        self.body += message.get("body", b"")

    def header(self, name: bytes) -> bytes | None:
        found = [value for key, value in self.headers if key == name]
        assert len(found) < 2, f"{name!r} was sent twice"
        return found[0] if found else None


async def ask(
    inner: Any,
    *,
    method: str = "GET",
    path: str = "/",
    body: tuple[bytes, ...] = (b"",),
    settings: Settings | None = None,
    error_page: Any = None,
    **headers: str,
) -> Answer:
    async def let_in(scope: Any) -> None:
        scope["principal"] = STAFF

    parts = list(body)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": path, "headers": pairs, "scheme": "http",
        "query_string": b"", "client": ("127.0.0.1", 1),
    }  # fmt: skip
    answer = Answer()
    more = {"error_page": error_page} if error_page else {}
    edge: Any = Edge(inner, settings or Settings(), Measures(), let_in, **more)
    await asyncio.wait_for(edge(scope, receive, answer.send), 10)
    return answer


def raising(error: Exception) -> Any:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise error

    return inner


def page(content_type: bytes, *more: tuple[bytes, bytes]) -> Any:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", content_type), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": asking(scope).role.encode()})

    return inner


async def reading(scope: Any, receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    await page(b"text/plain")(scope, receive, send)


async def test_a_program_gets_problem_json_and_a_reader_a_page() -> None:
    inner = raising(NotFound("there is no such shelter"))
    answer = await ask(inner, accept="application/json")
    assert answer.status == 404
    assert answer.header(b"content-type") == b"application/problem+json"
    said = json.loads(answer.body)
    assert said["detail"] == "there is no such shelter"
    assert answer.header(b"x-request-id") in answer.body
    answer = await ask(inner, accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status == 404
    assert answer.header(b"content-type") == b"text/html; charset=utf-8"
    assert answer.header(b"content-security-policy")


async def test_the_broker_and_the_monitors_never_get_a_page() -> None:
    for path in ("/ngsi-ld/v1/entities", "/health", "/metrics", "/v2/entities"):
        answer = await ask(raising(NotFound("x")), path=path, accept="text/html")
        assert answer.header(b"content-type") == b"application/problem+json"


async def test_what_breaks_is_answered_without_telling_what_broke() -> None:
    for accept in ("text/html", "application/json"):
        answer = await ask(raising(ValueError("password=hunter2")), accept=accept)
        assert answer.status == 500
        assert b"hunter2" not in answer.body
        assert answer.header(b"x-request-id") in answer.body


async def test_an_error_page_that_fails_itself_still_answers() -> None:
    def broken(scope: Any, problem: Problem, request: str) -> bytes:
        raise RuntimeError("the template is broken")

    answer = await ask(raising(NotFound("gone")), accept="text/html", error_page=broken)
    assert answer.status == 404
    assert b"gone" in answer.body


async def test_details_are_escaped_on_pages() -> None:
    answer = await ask(raising(NotFound("<script>alert(1)</script>")), accept="text/html")
    assert b"<script>" not in answer.body


async def test_signing_in_and_waiting_are_said_in_headers_too() -> None:
    answer = await ask(raising(NotSignedIn("please")))
    assert answer.header(b"www-authenticate") == b'Bearer realm="kitamae"'
    answer = await ask(raising(TooManyRequests("wait", retryAfter=7)))
    assert (answer.status, answer.header(b"retry-after")) == (429, b"7")


async def test_head_is_answered_without_a_body() -> None:
    answer = await ask(raising(NotFound("x")), method="HEAD")
    assert answer.status == 404
    assert answer.body == b""


async def test_pages_forbid_inline_script_and_what_is_not_ours() -> None:
    answer = await ask(page(b"text/html; charset=utf-8"))
    policy = (answer.header(b"content-security-policy") or b"").decode()
    assert "'unsafe-inline'" not in policy
    assert "script-src 'self'" in policy
    assert answer.header(b"x-content-type-options") == b"nosniff"
    data = await ask(page(b"application/json"))
    assert data.header(b"content-security-policy") == b"default-src 'none'; frame-ancestors 'none'"
    assert data.header(b"x-content-type-options") == b"nosniff"


async def test_a_header_that_the_answer_has_itself_is_not_sent_twice() -> None:
    own = (b"content-security-policy", b"default-src 'none'")
    answer = await ask(page(b"text/html", own, (b"x-content-type-options", b"nosniff")))
    assert answer.header(b"content-security-policy") == b"default-src 'none'"
    await_json = await ask(page(b"application/json", (b"x-content-type-options", b"nosniff")))
    assert await_json.header(b"x-content-type-options") == b"nosniff"


async def test_over_tls_browsers_are_told_to_keep_to_it() -> None:
    secure = Settings(public_url="https://city.example")
    assert (await ask(page(b"text/html"), settings=secure)).header(b"strict-transport-security")
    assert not (await ask(page(b"text/html"))).header(b"strict-transport-security")


async def test_only_a_request_with_credentials_is_looked_up() -> None:
    assert (await ask(page(b"text/plain"))).body == NOBODY.role.encode()
    assert (await ask(page(b"text/plain"), cookie="a=b")).body == b"staff"
    assert (await ask(page(b"text/plain"), authorization="Bearer x")).body == b"staff"


async def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    small = Settings(max_body_mb=1)
    answer = await ask(reading, method="POST", body=(), settings=small, content_length="100000000")
    assert answer.status == 413


async def test_a_body_without_a_length_is_cut_at_the_limit() -> None:
    small = Settings(max_body_mb=1)
    parts = (b"x" * 400_000,) * 4
    answer = await ask(reading, method="POST", body=parts, settings=small, transfer_encoding="chunked")
    assert answer.status == 413
    answer = await ask(reading, method="POST", body=parts[:2], settings=small, transfer_encoding="chunked")
    assert answer.status == 200


async def test_a_length_that_is_no_number_is_refused() -> None:
    assert (await ask(reading, method="POST", content_length="-1")).status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8080"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8080"}, 200),
        ({"host": "city.example"}, 403),
        ({"host": "["}, 403),
        ({"host": "[::1"}, 403),
        ({"host": "localhost", "origin": "http://[::1"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "localhost", "origin": "http://localhost:3000"}, 200),
        ({"host": "localhost", "origin": "https://evil.example"}, 403),
        ({"host": "localhost", "origin": "null"}, 403),
    ],
)
async def test_an_open_server_is_closed_to_pages_from_elsewhere(headers: dict[str, str], status: int) -> None:
    settings = Settings(open=True)
    assert (await ask(page(b"text/plain"), method="POST", settings=settings, **headers)).status == status


async def test_an_answer_that_breaks_off_is_not_passed_off_as_whole() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        await ask(inner)


def test_routes_in_measures_name_nothing_particular() -> None:
    assert route("/ngsi-ld/v1/entities/urn:x:1/attrs/名前") == "/ngsi-ld/v1/entities/{}/attrs/{}"
    assert route("/ngsi-ld/v1/entityOperations/upsert") == "/ngsi-ld/v1/entityOperations/upsert"
    assert route("/places/urn:x") == "/places/{}"
    assert route("/") == "/"
    assert len(route("/ngsi-ld/v1/" + "a/" * 10_000)) < 100


async def test_measures_do_not_grow_with_what_clients_invent() -> None:
    measures = Measures()
    for number in range(2000):
        measures.answered("GET", f"/invented{number}", 404, 0)
        measures.answered("GET", f"/invented{number}", 200, 0)
    text = b"".join(line for line in _exposition(measures) if b"kitamae_requests_total" in line)
    assert text.count(b"kitamae_requests_total{") < 600


def _exposition(measures: Measures) -> list[bytes]:
    from prometheus_client import generate_latest

    return generate_latest(measures.registry).splitlines()


async def test_the_log_carries_no_local_values(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from kitamae import logs

    for form in ("json", "console"):
        logs.configure(Settings(log=form))

        async def inner(scope: Any, receive: Any, send: Any) -> None:
            secret_name = "".join(("hun", "ter2"))
            raise ValueError(len(secret_name))

        await ask(inner)
        said = capsys.readouterr().err
        assert "ValueError" in said
        assert "hunter2" not in said
        assert "127.0.0.1" not in said


async def test_what_was_foreseen_is_told_in_one_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    from kitamae import logs

    logs.configure(Settings(log="console"))

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise Unavailable("the city is being opened")

    assert (await ask(inner)).status == 503
    said = capsys.readouterr().err
    assert (said.count("\n"), "Traceback" in said, Unavailable.title in said) == (1, False, True)


def test_what_was_never_served_is_no_route_whatever_it_was_refused_with() -> None:
    measures = Measures()
    measures.answered("GET", "/map", 200, 0.0)
    for status in (400, 401, 403, 404, 405, 413, 429, 500):
        measures.answered("GET", "/taro@kaga.example", status, 0.0)
        measures.answered("GET", "/map", status, 0.0)
    routes = {sample.labels["route"] for metric in measures.registry.collect() for sample in metric.samples
              if "route" in sample.labels}  # fmt: skip
    assert routes == {"/map", "unknown"}
