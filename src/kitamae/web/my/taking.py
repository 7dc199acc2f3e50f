"""Everything that is held about a person as one JSON file, sent as it is read: however much it is, little of it is in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import StreamingResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.consent import record
from kitamae.kernel.people.delegates.records import KIND as MANDATE
from kitamae.kernel.people.vault import CONSENTS, OWN, Asked
from kitamae.web.my import left_out
from kitamae.web.my.beside import beside
from kitamae.web.my.ground import KEEP_NOTHING, MY, demand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.duties import Post
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Record
    from kitamae.web.my.ground import Ground

PAGE: Final = 500
_EVER: Final = (1 << 63) - 1
FORMAT: Final = "kitamae-my-data/1"
ABOUT: Final = {
    "ja": "この市があなたについて持っているデータです。purposes は何のためか、records は記録、consents は同意の記録（ISO/IEC TS 27560 の構成）、looks はだれがいつ何を見たか（職員は post に、そのときの所属と担当）、mandates は代理の取り決め、flags はお知らせした「ふだんと違う見かた」、passkeys はサインインに使うパスキー（公開鍵）、account は登録、sessions はサインイン中のもの、partners はあなたの情報の提供に同意した相手、notices は市からのお知らせ、areaNotices は地区ごとの防災のお知らせをメールで受け取るために選んだこと（ブラウザやLINEで受け取るものは、だれのものか市にも分からないため、入っていません）、cases は請求・相談の状況と期限、providers は参加している事業者です。職員には duties（担当）、transfers（担当の変更のうち本人の分）、emergencies（緊急アクセス）もあります。入っていないものとその理由は leftOut にあります（kinds は書類の種類）。時刻は UTC です。looks の salt と committed から SHA-256 で台帳の項目を作り直せます。",
    "en": "What this city holds about you. purposes: what for; records: the data; consents: what you agreed to (structure of ISO/IEC TS 27560); looks: who looked at what, and when (of staff, post: the office and duties at that moment); mandates: who acts for whom; flags: unusual looks that you were told of; passkeys: what you sign in with (public keys); account: how you are registered; sessions: where you are signed in; partners: who may know of you, as you agreed; notices: what the city told you; areaNotices: what you chose to be told by area by e-mail (what reaches a browser or LINE is not in it: the city does not know whose it is); cases: your requests, their state and days; providers: those you belong to. Staff also: duties, transfers (your part of changes of duties), emergencies (emergency access). What is not in it, and why: leftOut (kinds: of documents). Times are UTC. From salt and committed of a look its entry of the ledger can be made again with SHA-256.",
}


def routes(ground: Ground) -> list[Route]:
    """`/my/export`."""

    async def export(request: Request) -> Response:
        who = demand(request)
        first = await _records(ground, who, "")  # what is wrong is said before anything is sent
        named = 'attachment; filename="my-data.json"'
        headers = {**KEEP_NOTHING, "Content-Disposition": named}
        return StreamingResponse(_file(ground, who, first), headers=headers, media_type="application/json")

    return [Route(f"{MY}/export", export, methods=["GET"])]


async def _file(ground: Ground, who: Principal, first: list[Record]) -> AsyncIterator[bytes]:
    head = {
        "format": FORMAT,
        "about": ABOUT,
        "person": who.ref,
        "controller": dict(ground.controller),
        "at": clock.text(clock.now()),
    }
    yield orjson.dumps(head)[:-1] + b',"records":['
    classes: set[str] = set()
    events: dict[str, list[Record]] = {}
    comma, page = b"", first
    while page:
        for one in page:
            classes.add(one.klass)
            if one.klass == CONSENTS and one.kind != MANDATE:
                events.setdefault(str(one.fields["purpose"]), []).append(one)
                continue
            yield comma + orjson.dumps(_record(one))
            comma = b","
        page = await _records(ground, who, page[-1].id) if len(page) == PAGE else []
    purposes = {name: _plain(ground.purpose(name)) for name in sorted(classes)}
    yield b'],"purposes":' + orjson.dumps(purposes) + b',"consents":'
    yield orjson.dumps(
        [
            record(purpose, own, person=who.ref, controller=ground.controller, address=ground.address)
            for name, own in sorted(events.items())
            if (purpose := ground.consents.purposes.get(name))
        ]
    )
    yield b',"looks":['
    comma, before = b"", _EVER
    while True:
        looks = await ground.vault().receipts(Asked(who, OWN, (who.ref,)), before, PAGE)
        for look in looks:
            proof, post = look.proof(), await ground.posts.of(look.who, look.purpose, look.at)
            row = {"number": look.number, "at": clock.text(look.at), "who": look.who, "post": _post(post), "purpose": look.purpose,
                   "basis": look.basis, "act": look.act, "said": look.said, "fields": look.fields, "committed": proof["receipt"], "salt": proof["salt"]}  # fmt: skip
            yield comma + orjson.dumps(row)
            comma = b","
        if len(looks) < PAGE:
            break
        before = looks[-1].number
    later = [clock.text(one) for one in await ground.vault().withheld(Asked(who, OWN, (who.ref,)))]
    yield b'],"shownLater":' + orjson.dumps(later)
    for name, rows in (await beside(ground, who)).items():
        yield f',"{name}":'.encode() + orjson.dumps(rows)
    yield b',"leftOut":' + orjson.dumps(left_out.told()) + b"}"


async def _records(ground: Ground, who: Principal, after: str) -> list[Record]:
    return await ground.vault().read(Asked(who, OWN, (who.ref,), after=after, most=PAGE))


def _record(one: Record) -> dict[str, Any]:
    return {
        "id": one.id,
        "purpose": one.klass,
        "kind": one.kind,
        "created": clock.text(one.created),
        "modified": clock.text(one.modified),
        "keptUntil": clock.text(one.due),
        "fields": dict(one.fields),
        "former": [{**past._asdict(), "at": clock.text(past.at)} for past in one.former],
    }


def _post(post: Post | None) -> dict[str, Any] | None:
    return {"section": post.section, "duties": [dict(one) for one in post.duties]} if post else None


def _plain(purpose: dict[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, dict) else value for name, value in purpose.items()}
