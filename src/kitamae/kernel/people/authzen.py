"""AuthZEN (Authorization API 1.0): a partner's program asks whether somebody may do something, one question or many.

This module reads what was sent and writes the answer; who decides is a `Decider`: the city's policy, or one's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from kitamae.kernel.people.policy.cedar import Decision

MOST: Final = 200
"""Questions of one request."""
_LONGEST: Final = 1_024  # characters of a type, an id or a name
_STOPS: Final[dict[str, bool | None]] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""`evaluations_semantic` -> the decision after which no further question is answered."""


@dataclass(frozen=True, slots=True)
class Party:
    """A subject or a resource. `properties` are what the asker says of it."""

    type: str
    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """May `subject` do `action` to `resource`?"""

    subject: Party
    action: str
    resource: Party
    context: Mapping[str, Any] = field(default_factory=dict)


class Decider(Protocol):
    """Whoever answers."""

    def __call__(self, asked: Evaluation, /) -> Awaitable[Decision]:
        """Yes or no, with the policies that decided."""
        ...


async def evaluation(sent: Any, decide: Decider) -> dict[str, Any]:
    """POST /access/v1/evaluation. Raises BadRequest."""
    return await _answer(_read(_object(sent, "the body"), {}), decide)


async def evaluations(sent: Any, decide: Decider) -> dict[str, Any]:
    """POST /access/v1/evaluations: what stands beside the list holds for all that do not say otherwise; without a list it
    is one evaluation. Raises BadRequest.
    """
    usual = _object(sent, "the body")
    listed = usual.get("evaluations")
    if listed is None or listed == []:
        return await evaluation(usual, decide)
    if not isinstance(listed, list) or len(listed) > MOST:
        raise BadRequest(f"evaluations: a list of at most {MOST} is expected")
    options = _object(usual.get("options", {}), "options")
    semantic = options.get("evaluations_semantic", "execute_all")
    if semantic not in _STOPS:
        raise BadRequest(f"options.evaluations_semantic: one of {', '.join(_STOPS)} is expected")
    asked = [_read(_object(one, f"evaluations[{n}]"), usual) for n, one in enumerate(listed)]
    answers = []
    for one in asked:
        answers.append(await _answer(one, decide))
        if answers[-1]["decision"] is _STOPS[semantic]:
            break
    return {"evaluations": answers}


def metadata(address: str) -> dict[str, str]:
    """`/.well-known/authzen-configuration`."""
    return {
        "policy_decision_point": address,
        "access_evaluation_endpoint": f"{address}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{address}/access/v1/evaluations",
    }


async def _answer(asked: Evaluation, decide: Decider) -> dict[str, Any]:
    decision = await decide(asked)
    if decision.because:
        return {"decision": decision.allowed, "context": {"policies": list(decision.because)}}
    return {"decision": decision.allowed}


def _read(one: Mapping[str, Any], usual: Mapping[str, Any]) -> Evaluation:
    def part(name: str) -> Any:
        return one[name] if name in one else usual.get(name)

    action = _object(part("action"), "action")
    context = part("context")
    return Evaluation(
        _party(part("subject"), "subject"),
        _text(action.get("name"), "action.name"),
        _party(part("resource"), "resource"),
        {} if context is None else _object(context, "context"),
    )


def _party(sent: Any, where: str) -> Party:
    given = _object(sent, where)
    properties = _object(given.get("properties", {}), f"{where}.properties")
    return Party(_text(given.get("type"), f"{where}.type"), _text(given.get("id"), f"{where}.id"), properties)


def _object(sent: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(sent, dict):
        raise BadRequest(f"{where}: a JSON object is expected")
    return sent


def _text(sent: Any, where: str) -> str:
    if not isinstance(sent, str) or not 0 < len(sent) <= _LONGEST:
        raise BadRequest(f"{where}: a text of at most {_LONGEST} characters is expected")
    return sent
