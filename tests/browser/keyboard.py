"""A page used with the keyboard alone: where Tab does not get to, these fail. A click, and `focus()`, get there all the same."""

from __future__ import annotations

MOST = 600
"""Presses of Tab: no page has so many stops."""
_THERE = "one => one === document.activeElement"
_IN_GROUP = "one => document.activeElement.name === one.name && document.activeElement.form === one.form"


def reached(page, control, where=_THERE):
    """Tab, from where the focus is, until it is on the control."""
    control.wait_for()
    for _ in range(MOST):
        if control.evaluate(where):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not get to {control}")


def pressed(page, control, key="Enter"):
    """A link, a button or a heading that folds; with Space a box to tick."""
    reached(page, control)
    page.keyboard.press(key)


def typed(page, field, text):
    """Into a field, in place of what stands there."""
    reached(page, field)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def chosen(page, one):
    """One of a group of radio buttons: Tab gets to the group, arrows choose in it."""
    reached(page, one, _IN_GROUP)
    for _ in range(MOST):
        if one.is_checked():
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"the arrows do not choose {one}")


def picked(page, select, value):
    """A value of a list that unfolds."""
    reached(page, select)
    page.keyboard.press("Home")
    for _ in range(MOST):
        if select.input_value() == value:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"the arrows do not choose {value!r}")
