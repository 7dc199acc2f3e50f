"""The areas of pages that the city has of itself: each with what it stands on, and behind its question to the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kitamae.kernel.people.access_log import DAYS
from kitamae.kernel.people.accounts import Accounts
from kitamae.kernel.people.assisted import LIST, SHARED, Assisted, Helpers
from kitamae.kernel.people.devices import DeviceKeys
from kitamae.kernel.people.duties import Posts
from kitamae.kernel.people.links import Links
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.orders import Orders
from kitamae.kernel.people.requests import Breaches, Calendar, Requests
from kitamae.kernel.people.requests.concerned import looked_at
from kitamae.kernel.people.sheltered import REGISTER, Finding, Sheltered
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.people.watching import Flags
from kitamae.kernel.registers.evacuation import Evacuation
from kitamae.kernel.supplies import Shelters, Supplies
from kitamae.kit.feeds import Asking, Follower, Hub, Source
from kitamae.kit.notices import Addresses, Mail, Pace, Paper, Sender
from kitamae.kit.notices.area import AreaNotices, announced
from kitamae.kit.notices.area.line import Line
from kitamae.kit.notices.area.mail import AreaMail
from kitamae.kit.notices.area.push import Vapid, WebPush
from kitamae.kit.notices.area.subscribers import Subscribers
from kitamae.kit.notices.area.watch import Watch
from kitamae.kit.reports import Reports
from kitamae.kit.reports.record import CLASS_FIELDS, PURPOSE
from kitamae.sdk import sheltering
from kitamae.sdk.city import Handling, Notifying
from kitamae.sdk.observing import Observing
from kitamae.sdk.providers import Providing
from kitamae.web import (
    access,
    data_tracker,
    my,
    openid,
    passkeys,
    records,
    requests,
    residents,
    sign_in,
    visitors,
    watching,
)
from kitamae.web import access_log as access_log_pages
from kitamae.web import area_notices as area_notice_pages
from kitamae.web import assisted as assisted_pages
from kitamae.web import delegates as delegate_pages
from kitamae.web import developers as developer_pages
from kitamae.web import devices as device_pages
from kitamae.web import duties as duty_pages
from kitamae.web import evacuation as evacuation_pages
from kitamae.web import feeds as feed_pages
from kitamae.web import links as link_pages
from kitamae.web import notices as notice_pages
from kitamae.web import orders as order_pages
from kitamae.web import providers as providers_desk
from kitamae.web import reports as report_pages
from kitamae.web import sheets as sheet_pages
from kitamae.web import sheltered as sheltered_pages
from kitamae.web import supplies as supply_pages
from kitamae.web.access_log import desk as access_log_desk
from kitamae.web.asked import guard
from kitamae.web.assisted import bringing as assisted_file
from kitamae.web.assisted import desk as assisted_desk
from kitamae.web.assisted import helping as assisted_helping
from kitamae.web.assisted import person as assisted_person
from kitamae.web.assisted.ground import Ground as AssistedGround
from kitamae.web.delegates import counter
from kitamae.web.delegates import own as delegations
from kitamae.web.delegates.banner import Banner
from kitamae.web.developers import contracts as contracts_of_providers
from kitamae.web.developers import mine as provider_pages
from kitamae.web.developers import public as public_of_developers
from kitamae.web.devices import desk as device_desk
from kitamae.web.devices import token as device_token
from kitamae.web.evacuation import desk as evacuation_desk
from kitamae.web.evacuation.districts import districts
from kitamae.web.links import desk as link_desk
from kitamae.web.links import keeper
from kitamae.web.links import supplies as link_supplies
from kitamae.web.links.holder import Holder
from kitamae.web.orders import desk as order_desk
from kitamae.web.proofs import Proofs
from kitamae.web.reports import desk as report_desk
from kitamae.web.reports import public as report_forms
from kitamae.web.reports.names import Names
from kitamae.web.sheets import desk as sheets_desk
from kitamae.web.shell import HERE
from kitamae.web.sheltered import desk as sheltered_desk
from kitamae.web.sheltered import keeper as sheltered_keeper
from kitamae.web.sheltered import public as find_a_person
from kitamae.web.sought import Search
from kitamae.web.supplies import desk as supply_desk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.routing import BaseRoute

    from kitamae.building import Building, Site

_FORMAT = "jma"
_LETTERS = 5
"""To make sure of an address, in five minutes, for one person."""


def ways_in(site: Site, orders: Orders) -> list[BaseRoute]:
    """Signing in, in every way; what programs ask about persons and decisions."""
    on, page = site.on, site.page(HERE)
    everybody: list[BaseRoute] = [
        *residents.routes(page, on.people, on.gate, on.ways),
        *openid.routes(page, on.people, on.gate, on.ways.provider, on.ways.seal),
        *passkeys.routes(page, on.ways.passkeys),
        *visitors.routes(page, on.people, on.gate, on.ways.visitors, site.origin),
        *sign_in.routes(page, on.people, on.gate, on.ways.passkeys, on.ways.office, site.handed),
        *records.routes(site.vault, orders),
        *data_tracker.routes(site.vault, _receiver(on), on.providers.names),
        *access.routes(site.policy, access.of_city(site.policy, on.people, on.words.expand), on.address),
    ]
    guard(everybody, site.policy, site.tenant, for_everybody=True)
    return everybody


def duties(site: Site) -> list[BaseRoute]:
    """Who of the staff does what."""
    on = site.on
    return duty_pages.routes(
        *(site.shell, on.profile, on.ways.office, on.ways.emergencies, on.people),
        *(on.ways.numbers, site.handed, site.policy),
    )


def orders_of(site: Site) -> Orders:
    """What two members of staff decide to be done to a person's records."""
    return Orders(site.on.store, site.policy, site.vault)


def orders(site: Site, orders: Orders) -> list[BaseRoute]:
    """Where staff ask for it and decide it: whose duty a purpose is, the vault asks."""
    site.shell.desks.append(order_pages.DESK)
    page = site.page(order_pages.HERE)
    desk: list[BaseRoute] = [*order_desk.routes(page, orders, site.vault, site.on.people.tokens)]
    guard(desk, site.policy, site.tenant)
    return desk


def links_of(site: Site) -> Links:
    """The capability links of the city."""
    on = site.on
    kinds = [one.kind() for one in on.profile.links] if on.profile else []
    return Links(on.store, on.ways.seal, site.policy, on.words, kinds, tenant=site.tenant)


def holder_of(site: Site, links: Links) -> Holder:
    """Whoever holds one: in all areas of pages behind its code he is counted once."""
    return Holder(site.page(link_pages.HERE), links)


def links(site: Site, links: Links, holder: Holder) -> list[BaseRoute]:
    """Capability links: whoever holds one, and the desk that makes them."""
    page, on = site.page(link_pages.HERE), site.on
    site.shell.desks += [link_pages.DESK, supply_pages.DESK, sheet_pages.DESK]
    words = on.words.expand
    shelters = Shelters(site.tenant, words(sheltering.TYPE), words(sheltering.STATUS), sheltering.CLOSED)
    supplies = Supplies(on.store, links, shelters)
    held: list[BaseRoute] = [
        *keeper.routes(page, site.reader, links, holder),
        *link_supplies.routes(page, site.reader, holder, supplies),
    ]
    guard(held, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [*link_desk.routes(page, site.reader, links, site.origin, site.zone)]
    guard(desk, site.policy, site.tenant, desk="links")
    sending: list[BaseRoute] = [
        *supply_desk.routes(site.page(supply_pages.HERE), site.reader, supplies, sheltering.TYPE, site.zone),
        *sheets_desk.routes(site.page(sheet_pages.HERE), site.reader, site.origin, people=_registers(site)),
    ]
    guard(sending, site.policy, site.tenant, desk=supply_pages.DESK.desk)
    return [*held, *desk, *sending]


def _registers(site: Site) -> bool:
    """Whether this city keeps a register of people at shelters."""
    city = site.on.profile
    return city is not None and sheltering.registers(one.purpose for one in city.personal)


def sheltered(site: Site, links: Links, holder: Holder) -> list[BaseRoute]:
    """Who is at which shelter, and finding somebody who wants to be found; nothing where the city declares no such purposes."""
    if not _registers(site):
        return []
    on, page = site.on, site.page(sheltered_pages.HERE)
    site.shell.desks.append(sheltered_pages.DESK)
    type_, seal = on.words.expand(sheltering.TYPE), on.ways.seal
    register = Sheltered(
        *(on.store, site.vault, links, type_, lambda said: seal.mark(REGISTER, said, make=True)),
        tenant=site.tenant,
    )
    everybody: list[BaseRoute] = [
        *sheltered_keeper.routes(page, site.reader, holder, register),
        *find_a_person.routes(page, site.reader, Finding(site.vault)),
    ]
    guard(everybody, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [*sheltered_desk.routes(page, site.reader, register, site.zone)]
    guard(desk, site.policy, site.tenant, desk=sheltered_pages.DESK.desk)
    return [*everybody, *desk]


def assisted(site: Site) -> list[BaseRoute]:
    """Who cannot flee alone, and what helpers see of whoever agreed; nothing where the city declares no such purposes."""
    on, city = site.on, site.on.profile
    if city is None or not {LIST, SHARED} <= {one.purpose for one in city.personal}:
        return []
    site.shell.desks += [assisted_pages.DESK, assisted_pages.HELPING]
    register, helpers = Assisted(on.store, site.vault), Helpers(on.store)
    ground = AssistedGround(
        site.page(assisted_pages.HERE), register, lambda: districts(site.reader, city.evacuation.districts), ZoneInfo(site.zone)
    )  # fmt: skip
    desk: list[BaseRoute] = [
        *assisted_desk.routes(ground, helpers, on.ways.office),
        *assisted_person.routes(ground),
        *assisted_file.routes(ground, lambda text: on.ways.seal.mark(LIST, text, make=True)),
    ]
    guard(desk, site.policy, site.tenant, desk=assisted_pages.DESK.desk)
    helping: list[BaseRoute] = [*assisted_helping.routes(ground, helpers)]
    guard(helping, site.policy, site.tenant, desk=assisted_pages.HELPING.desk)
    return [*desk, *helping]


def delegates(site: Site) -> list[BaseRoute]:
    """Who acts for whom: one's own pages, and the counter's."""
    on, page = site.on, site.page(delegate_pages.HERE)
    banner = Banner(site.shell, on.gate, on.ways.seal)
    site.shell.banners.append(banner)
    site.shell.desks.append(delegate_pages.DESK)
    own: list[BaseRoute] = [
        *delegations.routes(page, on.ways.delegates, site.vault, banner, site.origin, site.zone)
    ]
    guard(own, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [*counter.routes(page, on.ways.delegates, site.vault, site.zone)]
    guard(desk, site.policy, site.tenant, desk="people")
    return [*own, *desk]


def devices(site: Site) -> list[BaseRoute]:
    """Devices' keys: where they sign in, and the desk that keeps them."""
    on = site.on
    site.shell.desks.append(device_pages.DESK)
    keys = DeviceKeys(
        *(on.store, on.people, Once(on.store), on.registers.sensors, on.words.expand, on.address),
        tenant=site.tenant,
    )
    signing_in: list[BaseRoute] = [*device_token.routes(keys)]
    guard(signing_in, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [*device_desk.routes(site.page(device_pages.HERE), keys, on.registers.sensors)]
    guard(desk, site.policy, site.tenant, desk="sensors")
    return [*signing_in, *desk]


def providers(site: Site) -> list[BaseRoute]:
    """The desk of providers."""
    on = site.on
    site.shell.desks.append(providers_desk.DESK)
    office = on.profile.requests.head or on.profile.name.get("ja", on.profile.id) if on.profile else "市"
    desk: list[BaseRoute] = [*providers_desk.routes(site.page(providers_desk.HERE), on.providers, office)]
    guard(desk, site.policy, site.tenant, desk="providers")
    return desk


def asked_of_us(site: Site) -> list[BaseRoute]:
    """Requests and complaints about personal data, 個人情報ファイル簿, breaches."""
    on, city = site.on, site.on.profile
    told = city.requests if city else Handling()
    calendar = Calendar(told.closed)
    days: dict[str, int] = dict(told.days.items())
    return requests.routes(
        site.page(requests.HERE),
        Requests(on.store, site.vault, calendar, days=days),
        Breaches(on.store, calendar),
        lambda by, since, until: looked_at(on.store, site.vault(), by, since, until),
        requests.files(city, on.services),
        _office(site),
        Search(site.vault),
        days,
        Proofs(on.store, on.log),
        lambda: _delay(site),
        site.vault,
        site.policy,
        site.tenant,
    )


def _office(site: Site) -> requests.Office:
    """Who writes to people."""
    city = site.on.profile
    told = city.requests if city else Handling()
    name = city.name.get("ja", city.id) if city else "市"
    return requests.Office(name, told.head or f"{name}長", told.office, told.address, told.phone)


def notices_of(site: Site) -> Sender:
    """Who sends what persons are to be told, beside requests."""
    on = site.on
    chosen = on.profile.notices if on.profile else Notifying()
    texts = notice_pages.Texts(site.page(notice_pages.HERE), site.origin)
    channels = [Mail(site.vault, on.ways.carrier)] if on.ways.carrier else []
    pace = Pace(chosen.rehearsal, chosen.a_minute, chosen.tries)
    return Sender(on.store, site.vault, channels, texts.notice, pace)


def notices(site: Site, sender: Sender) -> list[BaseRoute]:
    """What one was told, and the desk that sends letters to whom no channel reaches."""
    on, page = site.on, site.page(notice_pages.HERE)
    site.shell.desks.append(notice_pages.DESK)
    addresses = Addresses(
        *(site.vault, on.consents, on.ways.pseudonyms, Once(on.store), on.ways.letters, Throttle(_LETTERS)),
    )
    rehearsal = sender.pace.rehearsal
    calendar = Calendar(on.profile.requests.closed if on.profile else Handling().closed)
    breaches = Breaches(on.store, calendar)
    mine: list[BaseRoute] = [
        *notice_pages.mine(
            _ground(site, notice_pages.HERE),
            addresses,
            notice_pages.Texts(page, site.origin),
            breaches,
            rehearsal=rehearsal,
        )
    ]
    guard(mine, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [
        *notice_pages.staff(
            page,
            Paper(on.store, site.vault),
            _office(site),
            lambda: sender.trouble,
            rehearsal=rehearsal,
            mails=on.ways.carrier is not None,
            origin=site.origin,
        ),
        requests.enclosed(site.page(requests.HERE), breaches, _office(site), notice_pages.DESK.href),
    ]
    guard(desk, site.policy, site.tenant, desk=notice_pages.DUTY)
    return [*mine, *desk]


def _delay(site: Site) -> int | None:
    """Days until an erasure is complete everywhere; None: no vault is open."""
    try:
        return site.vault().backup_days
    except VaultClosed:
        return None


def developers(site: Site) -> list[BaseRoute]:
    """Who builds on the city, and how: for everybody, and providers' own pages."""
    on, page = site.on, site.page(developer_pages.HERE)
    everybody: list[BaseRoute] = [
        *public_of_developers.routes(
            page,
            on.registers.services,
            on.providers,
            on.profile.providers if on.profile else Providing(),
            address=on.address,
            city=on.profile.id if on.profile else "",
            interfaces=[service.id for service in on.services if service.module("api")],
            consented=sorted(on.consents.purposes & on.providers.terms.purposes.keys()),
        )
    ]
    guard(everybody, site.policy, site.tenant)
    mine: list[BaseRoute] = [
        *provider_pages.routes(
            page,
            on.providers,
            on.registers.services,
            site.origin,
            letters=on.ways.visitors is not None,
            residents=on.ways.residents is not None,
        ),
        *contracts_of_providers.routes(page, on.providers),
    ]
    guard(mine, site.policy, site.tenant, for_everybody=True)
    return [*everybody, *mine]


def evacuation(site: Site, follower: Follower | None) -> list[BaseRoute]:
    """Where evacuation orders are given, and is said that warnings do not arrive; nothing where no city is served."""
    on = site.on
    if on.profile is None:
        return []
    site.shell.desks.append(evacuation_pages.DESK)
    of = (on.profile.code5, on.profile.name["ja"])
    orders = Evacuation(on.store, of, on.words.expand, tenant=site.tenant, announce=announced)
    page = site.page(evacuation_pages.HERE)
    silent = follower.is_silent if follower else None
    desk: list[BaseRoute] = [*evacuation_desk.routes(page, site.reader, orders, on.profile, silent)]
    guard(desk, site.policy, site.tenant, desk="evacuation")
    return desk


def feeds_of(site: Site) -> Follower | None:
    """Who follows 気象庁's feeds, for the service that reads them; None where the operator names none, or no city is served."""
    on = site.on
    if on.profile is None or not on.pulled:
        return None
    for service in on.services:
        ingest = service.module("ingest")
        if ingest is not None and _FORMAT in getattr(ingest, "FEEDS", {}):
            papers, asking = service.manifest, Asking(on.pulled.destinations)
            source = Source(_FORMAT, ingest, on.profile, on.pulled)
            observing = Observing(papers.id, papers.writes, site.tenant, on.store, on.words, site.policy)
            hub = Hub(source, on.store, on.ways.seal, asking, on.address)
            return Follower(source, on.store, site.reader, observing, asking, hub)
    return None


def feeds(site: Site, follower: Follower | None) -> list[BaseRoute]:
    """Where a hub tells what is new, and what staff see of the feeds; nothing where none is followed."""
    if follower is None:
        return []
    site.shell.desks.append(feed_pages.DESK)
    told: list[BaseRoute] = [*feed_pages.told(follower)]
    guard(told, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [*feed_pages.staff(site.page(feed_pages.HERE), follower)]
    guard(desk, site.policy, site.tenant, desk=feed_pages.DUTY)
    return [*told, *desk]


def area_notices_of(site: Site) -> AreaNotices:
    """Who is told of orders, alerts and shelters, and how."""
    on = site.on
    texts = area_notice_pages.Texts(site.page(area_notice_pages.HERE), site.origin)
    chosen = on.profile.notices if on.profile else Notifying()
    mail = AreaMail(Mail(site.vault, on.ways.carrier), on.ways.carrier) if on.ways.carrier else None
    push = WebPush(Vapid(on.store, on.ways.seal, on.address), on.destinations, chosen.push_hosts)
    line = Line(on.line, on.destinations) if on.line else None
    if on.profile:
        on.store.on_change(Watch(on.profile.code5, site.tenant, on.words.expand).changed)
    return AreaNotices.of(on.store, on.ways.seal, texts, push, line, mail, chosen)


def area_notices(site: Site, told: AreaNotices) -> list[BaseRoute]:
    """Where one asks for them and leaves; what LINE tells; the report. Nothing where no city is served."""
    on, page, city = site.on, site.page(area_notice_pages.HERE), site.on.profile
    if city is None:
        return []
    site.shell.desks.append(area_notice_pages.DESK)
    on.people.endings.append(told.subscribers.ending)
    texts = area_notice_pages.Texts(page, site.origin)
    addresses = Addresses(
        *(site.vault, on.consents, on.ways.pseudonyms, Once(on.store), on.ways.letters, Throttle(_LETTERS)),
    )
    everybody: list[BaseRoute] = [
        *area_notice_pages.everybody(
            *(page, told.subscribers, told.sender, told.push, addresses, on.ways.seal),
            lambda: districts(site.reader, city.evacuation.districts),
        )
    ]
    if told.line:
        everybody += area_notice_pages.webhook(told.line, told.subscribers, on.ways.seal, texts)
    guard(everybody, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [*area_notice_pages.staff(page, on.store, told.subscribers, told.sender)]
    guard(desk, site.policy, site.tenant, desk="evacuation")
    return [*everybody, *desk]


def reports_of(site: Site) -> Reports | None:
    """What citizens report; None where the city declares no purpose `reports`. Raises ValueError where that has not the fields that it needs."""
    on = site.on
    declared = (
        next((one for one in on.profile.personal if one.purpose == PURPOSE), None) if on.profile else None
    )
    if on.profile is None or declared is None:
        return None
    if missing := set(CLASS_FIELDS) - set(declared.fields):
        raise ValueError(f"city.toml: the purpose {PURPOSE} declares no field {min(missing)}")
    names = Names(site.reader, on.changes, on.profile)
    return Reports(on.store, site.vault, lambda: on.ways.seal.mark(PURPOSE, b"likeness", make=True), names)


def reports(site: Site, reports: Reports | None) -> list[BaseRoute]:
    """Where citizens report what they see, and the desk that looks at it."""
    if reports is None:
        return []
    site.shell.reports = True
    site.shell.desks.append(report_pages.DESK)
    page = site.page(report_pages.HERE)
    everybody: list[BaseRoute] = [*report_forms.routes(page, reports, site.on.ways.seal, site.origin)]
    guard(everybody, site.policy, site.tenant, for_everybody=True)
    desk: list[BaseRoute] = [*report_desk.routes(page, reports)]
    guard(desk, site.policy, site.tenant, desk="reports")
    return [*everybody, *desk]


def flags_of(site: Site) -> Flags:
    """What watching found in this city."""
    return Flags(site.on.store, site.vault, tenant=site.tenant)


def improper_use(site: Site) -> list[BaseRoute]:
    """What watching found: a desk's pages, and those of the person."""
    page = site.page(watching.HERE)
    site.shell.desks.append(watching.DESK)
    site.shell.purposes = watching.titles(site.on.consents.declared)
    flags = flags_of(site)
    desk: list[BaseRoute] = [*watching.staff(page, flags, lambda: site.vault().purposes)]
    guard(desk, site.policy, site.tenant, desk="privacy")
    own: list[BaseRoute] = [*watching.mine(page, flags, lambda: site.vault().purposes, posts_of(site))]
    guard(own, site.policy, site.tenant)
    return [*desk, *own]


def posts_of(site: Site) -> Posts:
    """As what the city's staff did what they did."""
    return Posts(site.on.store, site.on.ways.office.plan)


def access_log(site: Site) -> list[BaseRoute]:
    """Who came in, was refused, or changed something."""
    site.shell.desks.append(access_log_pages.DESK)
    page = site.page(access_log_pages.HERE)
    days = site.on.profile.access_log_days if site.on.profile else {}
    desk: list[BaseRoute] = [*access_log_desk.routes(page, site.on.access, {**DAYS, **days}, site.zone)]
    guard(desk, site.policy, site.tenant, desk="privacy")
    return desk


def my_page(site: Site) -> list[BaseRoute]:
    """What is held about somebody, who looked, what he agreed to."""
    return my.routes(_ground(site, my.HERE), site.tenant, site.zone)


def _ground(site: Site, folder: Path) -> my.Ground:
    """What pages about oneself stand on, drawn from that folder."""
    on = site.on
    name: Mapping[str, str] = dict(on.profile.name.items()) if on.profile else {"ja": "Kitamae"}
    return my.Ground(
        *(
            site.page(folder),
            on.people,
            on.providers,
            site.policy,
            on.consents,
            site.vault,
            on.store,
            on.log,
            name,
        ),
        *(site.origin, on.ways.residents is not None, posts_of(site)),
        *(on.ways.delegates, on.ways.passkeys, flags_of(site)),
        *(Accounts(on.store, on.people), on.gate.cookie("", 0), Subscribers(on.store, on.ways.seal)),
    )


def _receiver(on: Building) -> data_tracker.Receiver:
    """In Japanese: a name is a name."""
    systems = {service.id: service.manifest.name.get("ja", service.id) for service in on.services}
    if on.profile is None:
        return data_tracker.Receiver("", "", {"": "Kitamae", **systems})
    city = on.profile
    return data_tracker.Receiver(
        city.code, city.name.get("ja", city.id), {"": city.platform.get("ja", city.id), **systems}
    )
