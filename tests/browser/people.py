"""Who opens a page in a test: signed in by a session, by a link of the command, by an invented card, or by a device's passkey."""

from __future__ import annotations

import re

DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def anybody(chromium, width=1280, **more):
    """A window of somebody who is not signed in. `more`: as Playwright's `new_context` takes it."""
    context = chromium.new_context(locale="ja-JP", viewport={"width": width, "height": 800}, **more)
    return context.new_page()


def with_session(chromium, address, secret, width=1280, **more):
    """A window of the person whose session it is; of anybody where it is nobody's ("")."""
    page = anybody(chromium, width, **more)
    if secret:
        page.context.add_cookies([{"name": "kitamae_session", "value": secret, "url": address}])
    return page


def by_link(page, link):
    """A member of staff, signed in by a link that a command or a colleague handed out: on `/staff`."""
    page.goto(link)
    page.get_by_role("button", name="サインインする", exact=True).click()
    page.wait_for_url("**/staff")
    return page


def by_card(page, address, who, next="/my"):
    """An invented resident, by a part of the name, or by the number in the list: on the page `next`."""
    page.goto(f"{address}/sign-in/resident/start?next={next}")
    buttons = page.locator("main form button")
    (buttons.nth(who) if isinstance(who, int) else buttons.filter(has_text=re.compile(who))).click()
    page.wait_for_url(f"**{next}")
    return page


def with_device(chromium):
    """A window on a device that can hold passkeys."""
    page = anybody(chromium)
    control = page.context.new_cdp_session(page)
    control.send("WebAuthn.enable")
    control.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return page


def register_device(page, address, name):
    """The device of this window becomes a passkey of whoever is signed in."""
    page.goto(address + "/account/passkeys")
    page.get_by_label("端末の名前").fill(name)
    page.get_by_role("button", name="この端末を登録する").click()
    page.get_by_role("button", name=f"{name}を消す").wait_for()


def by_passkey(page, address):
    """Out, and in again with the passkey: on `/staff`."""
    page.goto(address + "/staff")
    page.get_by_role("button", name="サインアウトする").click()
    page.goto(address + "/sign-in")
    page.get_by_role("button", name="パスキーでサインインする").click()
    page.wait_for_url("**/staff")
