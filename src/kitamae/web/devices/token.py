"""`POST /devices/token`: a device shows a statement that it signed (RFC 7523) and gets a token for an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.devices.keys import GRANT, PATH, DeviceRefused
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.devices import DeviceKeys

_HEADERS: Final = {"Cache-Control": "no-store"}


def routes(keys: DeviceKeys) -> list[Route]:
    """Form or JSON would do; OAuth 2.0 says form."""
    throttle = Throttle()

    async def token(request: Request) -> Response:
        """A token for a device that signed a statement with its key; whoever keeps guessing waits."""
        form = await request.form(max_files=0, max_fields=10)
        if form.get("grant_type") != GRANT:
            raise BadRequest(f"grant_type: expected {GRANT}")
        try:
            secret, seconds = await keys.sign_in(str(form.get("assertion", "")))
        except DeviceRefused:  # of a hundred gauges behind one address the others are not asked to wait
            throttle.unknown((request.scope.get("client") or ("",))[0])
            raise
        said = {"access_token": secret, "token_type": "Bearer", "expires_in": seconds}
        return JSONResponse(said, headers=_HEADERS)

    return [Route(PATH, token, methods=["POST"])]
