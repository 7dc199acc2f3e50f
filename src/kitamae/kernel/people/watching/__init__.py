"""Watching: looks at what is held about persons are looked at, and improper ones flagged for the privacy officer.

sight.py     a look as it is judged: who, whose, when, why, and what is known about the two
hours.py     days in Japan, and when the town hall works
rules.py     what is wrong, or odd, by itself: no consent, off purpose, off hours, own family, too many, one after another
habit.py     what somebody usually does: median and median deviation of his last days, of his role's where he is new
detector.py  both together: the score of a person's day, and the reasons for it
flags.py     what becomes of a flag: open, dismissed with a reason, released to the person
watcher.py   the job: it follows the receipts behind the commit, and goes on where it stopped

Nothing is opened here. The outer part of a receipt (who, whose, when, for what purpose) and keyed marks of names and
addresses are compared; what was seen in a record, and what a name is, stay sealed. It is done for the purpose `watching`,
which the city's papers must declare with its legal basis: where they do not, nobody watches, and `/health` says so.
"""

from kitamae.kernel.people.watching.detector import Detector, Flagging
from kitamae.kernel.people.watching.flags import Flag, Flags
from kitamae.kernel.people.watching.sight import Sight
from kitamae.kernel.people.watching.watcher import Watcher

__all__ = ["Detector", "Flag", "Flagging", "Flags", "Sight", "Watcher"]
