"""On paper, in Japanese as what is signed: a contract as it stands, a statement (利用明細); and a month's statements as one file."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.providers import latest
from kitamae.kernel.problems import NotFound
from kitamae.kernel.responsibility import PARTIES
from kitamae.web.duties.forms import KEEP_NOTHING, staff
from kitamae.web.providers.ground import CONTRACTS, PAGE
from kitamae.web.requests.letters import day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from kitamae.kernel.people.providers import Provider, Statement, Terms, Version
    from kitamae.kernel.people.providers.records import Boundary, Line
    from kitamae.web.providers.ground import Ground

COLUMNS: Final = (
    "月", "番号", "提供者", "契約", "件名", "初日", "最終日", "読み取り", "書き込み", "通知", "市の側の失敗", "超過で断った回数", "税抜き（円）",
    "消費税（円）", "合計（円）", "支払いの確認", "訂正の理由",
)  # fmt: skip
_SORTS: Final = {"company": "会社", "group": "団体", "public": "公的機関", "volunteer": "個人"}
_BOM: Final = "\ufeff"  # spreadsheets that do not ask take a file with it as UTF-8
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
Rows = list[tuple[str, str]]


def routes(ground: Ground) -> list[Route]:
    """Below `/staff/providers`."""
    providers = ground.providers

    async def contract(request: Request) -> Response:
        staff(request)
        kept = await providers.contracts.one(request.path_params["id"])
        owner, last = await providers.one(kept["provider"]), latest(kept)
        rows = agreed(owner, last, providers.terms)
        return ground.show(
            request,
            "staff-paper.html",
            title="データ利用契約書",
            number=f"{kept['id']}（第{last['version']}版）",
            lead=f"{ground.office}と{owner['name']}は、次のとおり契約します。",
            rows=rows,
            signed=[ground.office, owner["name"]],
            back=f"{CONTRACTS}/{kept['id']}",
        )

    async def statement(request: Request) -> Response:
        staff(request)
        asked = "/".join(request.path_params[name] for name in ("id", "month", "n"))
        kept = await providers.statements.one(asked)
        return ground.show(
            request,
            "staff-paper.html",
            title="利用明細" if kept["n"] == 0 else "利用明細（訂正）",
            number=kept["id"],
            lead=f"{kept['name']} 御中",
            rows=billed(kept),
            signed=[ground.office],
            back=f"{CONTRACTS}/{kept['contract']}",
        )

    async def table(request: Request) -> Response:
        month = request.path_params["month"]
        if not _MONTH.fullmatch(month):
            raise NotFound("there is no such month")
        found = [one for one in await providers.statements.of() if one["month"] == month]
        rows = [(one, await providers.statements.paid(one)) for one in reversed(found)]
        headers = KEEP_NOTHING | {"Content-Disposition": f'attachment; filename="statements-{month}.csv"'}
        return Response(as_csv(rows), 200, headers, "text/csv; charset=utf-8")

    return [
        Route(PAGE + "/statements/{month}.csv", table, methods=["GET"]),
        Route(CONTRACTS + "/{id}/paper", contract, methods=["GET"]),
        Route(CONTRACTS + "/{id}/statements/{month}/{n}", statement, methods=["GET"]),
    ]


def as_csv(rows: Iterable[tuple[Statement, str]]) -> str:
    """Statements as a table, each with since when it is paid."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one, paid in rows:
        used = one["used"]
        writer.writerow(
            [_plain(str(cell)) for cell in (
                one["month"], one["n"], one["name"], one["contract"], one["title"], one["starts"], one["ends"], used["read"],
                used["write"], used["notification"], used["failed"], used["refused"], one["net"], one["tax"], one["total"],
                paid, one["why"],
            )]
        )  # fmt: skip
    return _BOM + out.getvalue()


def agreed(owner: Provider, said: Version, terms: Terms) -> Rows:
    """What the contract says, heading and text."""
    titles = [terms.purposes.get(one, {}).get("ja", one) for one in said["purposes"]]
    firms = [
        f"{one['name']}：{one['does']}"
        + (f"（{one['under']}の再委託先）" if one["under"] else "")
        + (f" {one['where']}" if one["where"] else "")
        for one in said["subcontractors"]
    ]
    plan = terms.plans.get(said["plan"])
    return [
        ("提供者", f"{owner['name']}（{_SORTS[owner['sort']]}）"),
        ("法人番号", owner["corporate"] or "なし"),
        ("件名", said["title"]),
        (
            "市のサービス",
            terms.services.get(said["service"], {}).get("ja", said["service"]) or "提供者自身のサービス",
        ),
        ("個人情報を読む目的", "、".join(titles) or "なし（公開データだけ）"),
        ("読むデータの種類", "、".join(said["reads"]) or "公開されているものだけ"),
        ("書くデータの種類", "、".join(said["writes"]) or "なし"),
        ("期間", f"{day(said['starts'])}から{day(said['ends'])}まで"),
        ("利用の上限", f"1分に{said['minute']:,}回、1日に{said['day']:,}回"),
        ("料金", plan.name.get("ja", plan.id) if plan else "市は料金を定めていません"),
        ("再委託先（最後まで）", "\n".join(firms) or "なし"),
        ("責任分界点", "\n".join(_answers(one) for one in said["boundaries"]) or "定めなし"),
        ("安全管理の連絡先", said["security"]),
    ]


def _answers(one: Boundary) -> str:
    """Of whom, for what, who, and whom to call."""
    call = f"（連絡先：{one['call']}）" if one.get("call") else ""
    return f"{PARTIES[one.get('of', 'provider')]}　{one['part']}：{one['who']}{call}"


def billed(kept: Statement) -> Rows:
    """What a statement says."""
    used = kept["used"]
    rows: Rows = [
        ("契約", f"{kept['title']}（{kept['contract']}、第{kept['version']}版）"),
        ("期間", f"{day(kept['starts'])}から{day(kept['ends'])}まで"),
    ]
    if kept["n"]:
        rows.append(("訂正の理由", kept["why"]))
    else:
        rows.append(
            (
                "利用",
                f"読み取り {used['read']:,}回、書き込み {used['write']:,}回、通知 {used['notification']:,}回",
            )
        )
        rows.append(
            (
                "数えないもの",
                f"市の側の失敗 {used['failed']:,}回、上限を超えて断ったもの {used['refused']:,}回",
            )
        )
    if kept["plan"] is None:
        return [*rows, ("料金", "市は料金を定めていません。お支払いはありません。")]
    rows += [
        (_NAMES[one["what"]], f"{_how(one)}{one['yen']:,}円{'' if one['taxed'] else '（消費税の対象外）'}")
        for one in kept["lines"]
    ]
    tax = f"{kept['tax']:,}円（{kept['plan']['tax']}%、1円未満切り捨て）"
    return [*rows, ("税抜き", f"{kept['net']:,}円"), ("消費税", tax), ("合計", f"{kept['total']:,}円")]


_NAMES: Final = {
    "base": "サービス利用料（基本）",
    "usage": "サービス利用料（従量）",
    "council": "協議会負担金",
    "correction": "訂正",
}


def _how(one: Line) -> str:
    told = one["told"]
    match one["what"]:
        case "base":
            return f"月{told['base']:,}円 × {told['days']}日 ÷ {told['ofDays']}日 = "
        case "usage":
            return f"{told['requests']:,}回のうち無料の{told['free']:,}回を超えた{told['above']:,}回、1,000回あたり{told['perThousand']:,}円 = "
        case "council":
            return f"年{told['year']:,}円の{told['parts']}分の1（{told['part']}回目）= "
        case _:
            return ""


def _plain(cell: str) -> str:
    """What a provider called itself is no formula in the town hall's spreadsheet."""
    return (
        "'" + cell
        if cell[:1] in ("=", "+", "@", "\t") or (cell[:1] == "-" and not cell[1:].isdecimal())
        else cell
    )
