"""What an evacuation order makes of what is in force: pure functions over documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from kitamae.kernel.people import approval
from kitamae.kernel.problems import BadRequest, Conflict

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE: Final = "EvacuationOrder"
"""Of the entities, one for each level, with the attributes of an Alert. Nobody writes them but the register: an order needs two."""
LEVELS: Final = {3: "高齢者等避難", 4: "避難指示", 5: "緊急安全確保"}
"""警戒レベル and what the city says at it: 災害対策基本法 第56条・第60条, 内閣府「避難情報に関するガイドライン」."""
HAZARDS: Final = (
    "洪水",
    "内水氾濫",
    "土砂災害",
    "高潮",
    "津波",
    "大規模な火事",
    "地震",
    "火山現象",
    "その他",
)
WHOLE: Final = "all"
"""The district that is the whole city."""
_STATES: Final = {"issue": "発表中", "lift": "解除", "withdraw": "取消"}

Act = Literal["issue", "lift", "withdraw"]
"""Order (also wider, or at another level); end (解除); take back what was ordered by mistake (取消)."""


class District(TypedDict):
    """Of the city's data."""

    id: str
    name: str


class Standing(TypedDict):
    """What is in force for one district, by which order, since when (RFC 3339 UTC)."""

    name: str
    level: int
    hazard: str
    text: str
    order: str
    since: str


class Proposal(TypedDict):
    """`level` and `hazard`: of an issue, else 0 and "". `order`: its number in the register, once it was decided."""

    act: Act
    level: int
    hazard: str
    districts: list[District]
    text: str
    rehearsal: bool
    by: str
    at: str
    order: str


def after(before: Mapping[str, Standing], proposal: Proposal, order: str, at: str) -> dict[str, Standing]:
    """What is in force then. Raises Conflict where it would change nothing, or ends what is not in force."""
    new = dict(before)
    if proposal["act"] == "issue":
        for one in proposal["districts"]:
            there = before.get(one["id"])
            if there and all(there[name] == proposal[name] for name in ("level", "hazard", "text")):
                continue
            new[one["id"]] = {
                "name": one["name"], "level": proposal["level"], "hazard": proposal["hazard"], "text": proposal["text"], "order": order,
                "since": at,
            }  # fmt: skip
        if new == dict(before):
            raise Conflict("for these districts that is in force already")
        return new
    for one in proposal["districts"]:
        if new.pop(one["id"], None) is None:
            raise Conflict(f"nothing is in force for {one['name']}")
    return new


def alerts(
    before: Mapping[str, Standing],
    new: Mapping[str, Standing],
    proposal: Proposal,
    city: tuple[str, str],
) -> list[dict[str, Any]]:
    """Of the entities, one for each level, what changes: short names and plain values."""
    found: list[dict[str, Any]] = []
    for level, name in LEVELS.items():
        was, now = names(before, level), names(new, level)
        if was == now and proposal["level"] != level:  # at its own level the words may have changed alone
            continue
        id = f"urn:ngsi-ld:{TYPE}:{city[0]}:evacuation-{level}"
        if not now:
            ended = "解除" if proposal["act"] == "issue" else _STATES[proposal["act"]]
            found.append({"id": id, "状態": ended})
            continue
        said = {
            "名称": name, "警戒レベル": level, "状態": "発表中", "対象地域": "、".join(now), "発表者": city[1],
            "電文": "避難情報", "電文番号": f"evacuation-{level}", "有効期限": "", "災害の種類": hazards(new, level),
        }  # fmt: skip
        if proposal["level"] == level:
            said["見出し"] = "　".join(one for one in (proposal["hazard"], proposal["text"]) if one)
        found.append({"id": id, **said})
    return found


def names(standing: Mapping[str, Standing], level: int) -> list[str]:
    """The whole city first."""
    there = [(district != WHOLE, district) for district, one in standing.items() if one["level"] == level]
    return [standing[district]["name"] for _, district in sorted(there)]


def hazards(standing: Mapping[str, Standing], level: int) -> list[str]:
    """Because of what it is in force at that level, each once."""
    return sorted({one["hazard"] for one in standing.values() if one["level"] == level})


def kind(proposal: Proposal, before: Mapping[str, Standing]) -> str:
    """What it is called: of what ends, what was in force."""
    levels = [proposal["level"]] if proposal["act"] == "issue" else sorted(
        {before[one["id"]]["level"] for one in proposal["districts"]}
    )  # fmt: skip
    return "・".join(LEVELS[level] for level in levels)


def demand(proposal: Proposal) -> None:
    """Whether it says all that it must. Raises BadRequest."""
    if proposal["act"] not in _STATES:
        raise BadRequest(f"act: expected one of {', '.join(_STATES)}")
    if not 1 <= len(proposal["districts"]) <= 5_000:
        raise BadRequest("districts: choose at least one")
    if proposal["act"] == "issue" and (proposal["level"] not in LEVELS or proposal["hazard"] not in HAZARDS):
        raise BadRequest("level, hazard: choose what is ordered, and because of what")
    if proposal["act"] != "issue" and not proposal["text"]:
        raise BadRequest("text: say why it ends")


def shown(proposal: Proposal, standing: Mapping[str, Standing]) -> str:
    """The digest of what a second person sees: the proposal, and what is in force for its districts."""
    told = {name: value for name, value in proposal.items() if name != "order"}
    return approval.shown(
        {**told, "now": {one["id"]: standing.get(one["id"]) for one in proposal["districts"]}}
    )
