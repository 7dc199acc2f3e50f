"""What the pages of My page stand on, and what they say about a purpose and a look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from starlette.responses import RedirectResponse

from kitamae.kernel.context import clock
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import SYSTEM, asking
from kitamae.kernel.people.vault import CONSENTS
from kitamae.kernel.problems import Forbidden, NotSignedIn
from kitamae.web.held import looked
from kitamae.web.proofs import Proofs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.context.store import Store
    from kitamae.kernel.ledger.log import Log
    from kitamae.kernel.people.accounts import Accounts
    from kitamae.kernel.people.consent import Consents
    from kitamae.kernel.people.delegates import Delegates
    from kitamae.kernel.people.duties import Posts
    from kitamae.kernel.people.passkeys import Passkeys
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.providers import Providers
    from kitamae.kernel.people.vault import Receipt, Vault
    from kitamae.kernel.people.watching import Flags
    from kitamae.kit.notices.area.subscribers import Subscribers
    from kitamae.web.page import ShellPage

MY: Final = "/my"
KEEP_NOTHING: Final = {"Cache-Control": "no-store"}
ACTING: Final = "/my/delegations/held"
"""What a delegate sees of the one he acts for."""
MANDATE: Final = "mandate:"
"""How the basis of a delegate's look begins."""

Who = Literal["self", "staff", "program", "system", "delegate", "somebody"]


@dataclass(frozen=True, slots=True)
class Ground:
    """`vault()` raises VaultClosed; `log` None: this process publishes no ledger. `controller`: the city's name by language;
    `address`: where the city is reached; `signed_out`: the Set-Cookie value that signs a browser out.
    """

    page: ShellPage
    people: People
    providers: Providers
    policy: Policy
    consents: Consents
    vault: Callable[[], Vault]
    store: Store
    log: Log | None
    controller: Mapping[str, str]
    address: str
    residents: bool
    posts: Posts
    delegates: Delegates
    passkeys: Passkeys
    flags: Flags
    accounts: Accounts
    signed_out: str
    subscribers: Subscribers

    @property
    def proofs(self) -> Proofs:
        """The files that prove what is in the ledger."""
        return Proofs(self.store, self.log)

    def sign_in(self, request: Request) -> Response:
        """Where whoever is not signed in goes on, and comes back from; whoever acts for somebody else sees elsewhere what he may."""
        if asking(request.scope).acting:
            return RedirectResponse(ACTING, 303, KEEP_NOTHING)
        way = "/sign-in/resident" if self.residents else "/sign-in"
        return RedirectResponse(f"{way}?next={request.url.path}", 303, KEEP_NOTHING)

    def show(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page that no cache keeps."""
        given = {"csrf": request.scope.get("csrf", ""), "done": ""} | values
        return self.page.render(request, template, status=status, headers=KEEP_NOTHING, **given)

    def purpose(self, name: str) -> dict[str, Any]:
        """What there is to say about one, also where nobody declares it any more."""
        found = self.consents.declared.get(name)
        told: dict[str, Any] = {"name": name, "title": {}, "use": {}, "by": {}, "basis": "", "law": ""}
        if name == CONSENTS:
            told["basis"] = "consent"
        if found is not None:
            told |= {"title": found.title, "use": found.use, "by": found.by}
            told |= {"basis": found.basis, "law": found.law}
        return told

    async def looks(self, who: Principal, found: Sequence[Receipt]) -> list[dict[str, Any]]:
        """Rows of the log, in words that a template can say."""
        programs = {f"token-{one['number']}": one["name"] for one in await self.people.tokens.all()}
        owners = await self.providers.names(one.who for one in found)  # of keys that are gone too
        programs |= {ref: owner["name"] for ref, owner in owners.items()}
        return [
            {
                "post": await self.posts.of(one.who, one.purpose, one.at),
                "second": await self.posts.of(one.said.get("second", ""), one.purpose, one.at),
                "number": one.number,
                "at": clock.text(one.at),
                "who": whose(one, who),
                "ref": one.who,
                "program": programs.get(one.who, ""),
                "purpose": self.purpose(one.purpose),
                "basis": one.basis,
                "act": "erased" if swept(one) else one.act,
                "said": one.said,
                "fields": [] if swept(one) else looked(one.fields),
                "records": sum(map(len, one.fields.values())) if swept(one) else 0,
            }
            for one in found
        ]


def swept(one: Receipt) -> bool:
    """Whether retention left it: then it names records and no fields."""
    return one.purpose == "retention" and one.who == SYSTEM.ref


def whose(one: Receipt, who: Principal) -> Who:
    """Who looked, by what he is."""
    if one.who == who.ref:
        return "self"
    if one.who == "system":
        return "system"
    if one.basis.startswith(MANDATE):
        return "delegate"
    if one.who.startswith("token-"):
        return "program"
    return "staff" if one.who.startswith("staff-") else "somebody"


def signed_in(request: Request) -> Principal | None:
    """In his own affairs. None: nobody is; a token is no person, and who acts for somebody else does not do so here."""
    who = asking(request.scope)
    return who if who.session and not who.acting else None


def demand(request: Request, *, acting: bool = False) -> Principal:
    """The same. `acting`: also who acts for somebody else at present. Raises NotSignedIn, Forbidden."""
    who = asking(request.scope)
    if not who.session:
        raise NotSignedIn("this is for whoever is signed in")
    if who.acting and not acting:
        raise Forbidden("this is done in one's own affairs: stop acting for somebody else first")
    return who


async def sent(request: Request) -> tuple[Principal, FormData]:
    """Who sends this form, and what it says. Raises NotSignedIn, Forbidden for a form of somebody else's."""
    who = demand(request)
    form = await request.form(max_files=0, max_fields=50, max_part_size=20_000)
    demand_form(request.scope, form.get("csrf"))
    return who, form
