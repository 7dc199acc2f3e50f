"""`/access/v1/evaluation(s)`: the city's policy answers partners' programs (AuthZEN). They need a token for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

import orjson
from starlette.responses import JSONResponse
from starlette.routing import Route

from kitamae.kernel.people import authzen
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.policy import ANYBODY, Action, Question
from kitamae.kernel.people.policy.cedar import Decision
from kitamae.kernel.people.vault import OWN
from kitamae.kernel.problems import BadRequest, TooLarge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.authzen import Decider, Evaluation
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.policy import Policy

ASK: Final = "operate", "system:decisions"
"""What a partner's token must be for."""
_BODY: Final = 1_000_000  # bytes
_UNKNOWN: Final = Decision(allowed=False, because=("unknown-subject",))


def of_city(policy: Policy, people: People, expand: Callable[[str], str]) -> Decider:
    """The city's policy. Subjects: `person` or `token` by reference; resources: `entity` by type (`thing` among its
    properties: which one, for a device and for a token that may write single ones), `page` by address, `person` by reference
    (`context.purpose`: what his data is wanted for, as a manifest declares it, or `own`), ...
    """

    async def decide(asked: Evaluation) -> Decision:
        who = await people.named(asked.subject.type, asked.subject.id)
        if who is None or asked.action not in get_args(Action):
            return _UNKNOWN if who is None else Decision(allowed=False, because=("unknown-action",))
        kind, name = asked.resource.type, asked.resource.id
        tenant, thing = (asked.resource.properties.get(one, "") for one in ("tenant", "thing"))
        if not isinstance(tenant, str) or not isinstance(thing, str):
            raise BadRequest("resource.properties.tenant and thing: texts are expected")
        purpose = _purpose(asked) if kind == "person" else ""  # of anything else a purpose changes nothing
        if purpose not in ("", OWN) and purpose not in policy.facts.bases:
            return Decision(allowed=False, because=("unknown-purpose",))
        what = f"{kind}:{expand(name)}" if kind == "entity" else f"{kind}:{name}"
        return policy.decide(Question(who, asked.action, what, tenant, purpose, thing=thing))  # type: ignore[arg-type]  # it is one of them

    return decide


def _purpose(asked: Evaluation) -> str:
    """Raises BadRequest."""
    purpose = asked.context.get("purpose", "")
    if not isinstance(purpose, str):
        raise BadRequest("context.purpose: a text is expected")
    if asked.resource.id == ANYBODY:
        raise BadRequest("resource.id: the reference of a person is expected")
    return purpose


def routes(policy: Policy, decide: Decider, address: str) -> list[Route]:
    """The three addresses."""

    def at(answer: Callable[[Any, Decider], Awaitable[dict[str, Any]]]) -> Any:
        async def handler(request: Request) -> Response:
            policy.demand(Question(asking(request.scope), *ASK))
            return _json(await answer(await _sent(request), decide), request)

        return handler

    async def described(request: Request) -> Response:
        return _json(authzen.metadata(address), request)

    return [
        Route("/access/v1/evaluation", at(authzen.evaluation), methods=["POST"]),
        Route("/access/v1/evaluations", at(authzen.evaluations), methods=["POST"]),
        Route("/.well-known/authzen-configuration", described, methods=["GET"]),
    ]


async def _sent(request: Request) -> Any:
    text = bytearray()
    async for piece in request.stream():
        text += piece
        if len(text) > _BODY:
            raise TooLarge(f"a question has at most {_BODY} bytes")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error


def _json(answer: dict[str, Any], request: Request) -> Response:
    told = request.headers.get("x-request-id", "")
    headers = {"X-Request-ID": told} if told.isascii() and told.isprintable() and 0 < len(told) <= 200 else {}
    return JSONResponse(answer, headers={"Cache-Control": "no-store", **headers})
