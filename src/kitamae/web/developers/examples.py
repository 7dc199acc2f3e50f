"""Lines for a developer's terminal that work against this very server, with what the city has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

Needs = Literal["nothing", "key", "consent"]
_BEARER = '-H "Authorization: Bearer $KEY"'
_JSON = '-H "Content-Type: application/json"'


@dataclass(frozen=True, slots=True)
class Example:
    """`id`: what the template calls it; `page`: of docs/connect, without its ending; "": none of its own."""

    id: str
    needs: Needs
    line: str
    page: str


def examples(
    address: str, kinds: Iterable[str], city: str, services: Iterable[str], purpose: str
) -> list[Example]:
    """`address`: of this server; `kinds`: of entities that are here; `city`: its id, "" for none; `services`: with an interface of their
    own; `purpose`: one that rests on consent, "" for none. Nothing is offered that is not here.
    """
    kind = next(iter(kinds), "")
    asked = quote(kind)
    found = []
    if kind:
        found += [
            Example(
                "entities",
                "nothing",
                f'curl "{address}/ngsi-ld/v1/entities?type={asked}&options=keyValues&limit=3"',
                "",
            ),
            Example(
                "lines",
                "nothing",
                f'curl -H "Accept: application/x-ndjson" "{address}/ngsi-ld/v1/entities?type={asked}"',
                "",
            ),
            Example(
                "v2",
                "nothing",
                f'curl "{address}/v2/entities?type={asked}&options=keyValues&limit=3"',
                "ngsiv2",
            ),
        ]
    found.append(Example("openapi", "nothing", f"curl {address}/openapi.json", ""))
    found += [
        Example("service", "nothing", f"curl {address}/api/{one}/openapi.json", "")
        for one in list(services)[:1]
    ]
    if city:
        found.append(Example("context", "nothing", f"curl {address}/context/{city}.jsonld", ""))
    found += [
        Example("registers", "nothing", f"curl {address}/registers/services.json", ""),
        Example("ledger", "nothing", f"curl {address}/ledger/checkpoint", ""),
    ]
    if kind:
        told = (
            f'{{"type":"Subscription","entities":[{{"type":"{kind}"}}],'
            '"notification":{"endpoint":{"uri":"https://app.example/told","accept":"application/json"}}}'
        )
        found += [
            Example(
                "quota",
                "key",
                f'curl -i {_BEARER} "{address}/ngsi-ld/v1/entities?type={asked}&limit=1"',
                "",
            ),
            Example(
                "subscribe",
                "key",
                f"curl -X POST {_BEARER} {_JSON} -d '{told}' {address}/ngsi-ld/v1/subscriptions",
                "notifications",
            ),
        ]
    found.append(Example("openid", "consent", f"curl {address}/.well-known/openid-configuration", "sign-in"))
    if purpose:
        found.append(
            Example(
                "records",
                "consent",
                f'curl {_BEARER} "{address}/people/$PERSON/records?purpose={purpose}"',
                "personal-data",
            )
        )
    found += [
        Example("authzen", "consent", f"curl {address}/.well-known/authzen-configuration", "personal-data"),
        Example("tracker", "consent", f"curl {address}/v2/heartbeat", "personal-data"),
    ]
    return found
