"""Feeds of messages that others publish, followed: what they carry becomes what a service's `ingest` makes of it.

source.py    whose feeds, where they are, and how a message is read
atom.py      a feed
asking.py    fetching: guarded, conditional, bounded
follower.py  the job: what is new, each message once, catching up, what is silent
hub.py       WebSub: a hub says at once what is new
kept.py      what is kept of all that
"""

from kitamae.kit.feeds.asking import Asking
from kitamae.kit.feeds.follower import Follower
from kitamae.kit.feeds.hub import Hub
from kitamae.kit.feeds.source import Pulled, Source

__all__ = ["Asking", "Follower", "Hub", "Pulled", "Source"]
