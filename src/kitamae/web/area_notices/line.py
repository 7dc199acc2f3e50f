"""`/line/webhook`: what LINE tells the city. Whoever writes to its account is answered where he can choose; whoever leaves it is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.problems import TooLarge

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.seal import Seal
    from kitamae.kit.notices.area.line import Line
    from kitamae.kit.notices.area.subscribers import Subscribers
    from kitamae.web.area_notices.texts import Texts

PURPOSE: Final = "choice of a LINE user"
SECONDS: Final = 3_600
"""So long the link in the answer works."""
_LARGEST: Final = 500_000


def routes(line: Line, subscribers: Subscribers, seal: Seal, texts: Texts) -> list[Route]:
    """One address, which stands in LINE's console."""

    async def webhook(request: Request) -> Response:
        """Raises Forbidden, BadRequest, TooLarge."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST:
                raise TooLarge("LINE sends less than that")
        for event in line.heard(bytes(body), request.headers.get("x-line-signature", "")):
            if event.kind == "unfollow":
                await subscribers.leave(subscribers.id("line", event.user))
            elif event.reply:
                there = await subscribers.at("line", event.user)
                language = there.choice.language if there else "ja"
                token = seal.write(PURPOSE, {"user": event.user}, SECONDS)
                await line.answer(event, texts.choose(language, token))
        return Response(status_code=200)

    return [Route("/line/webhook", webhook, methods=["POST"])]
