"""Notices to whoever asked for them, by area, need and language: what the city orders, what is warned of, which shelters opened.

announcement.py  what is to be told: written in the transaction of what it tells
orders.py        evacuation orders: what is told of one
watch.py         alerts and shelters: what of their changes is told
choice.py        what somebody asked for, and whether something concerns him
subscribers.py   who asked for it, sealed
push.py          web push: RFC 8291 (what goes out is encrypted), RFC 8292 (the city's name for itself)
line.py          LINE's Messaging API
mail.py          e-mail, to the address in the vault
channel.py       what a channel is, and what becomes of a message
sender.py        hands over what is due
wired.py         all of it on one city
"""

from kitamae.kit.notices.area.orders import announced
from kitamae.kit.notices.area.wired import AreaNotices

__all__ = ["AreaNotices", "announced"]
