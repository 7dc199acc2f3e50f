"""What people report of a disaster: a sentence, a place, a photo; for a human, and published by nobody by itself.

reports.py    the door, and retention        record.py    what is kept outside the vault
sending.py    what the sender does           desk.py      what the desk does
photo.py      a picture decoded within bounds and written anew, without what the camera wrote beside it
gazetteer.py  the city's names of places in every form in which people write them
locate.py     where a text is about
incident.py   what it is about and how soon a human should look (incidents.toml)
likeness.py   whether two reports are of one thing, by a keyed signature of their words

How well the last four do: `python -m benchmarks.reported`. See docs/decisions/0132.
"""

from kitamae.kit.reports.gazetteer import Gazetteer
from kitamae.kit.reports.record import PURPOSE, Report
from kitamae.kit.reports.reports import Reports
from kitamae.kit.reports.sending import Wish

__all__ = ["PURPOSE", "Gazetteer", "Report", "Reports", "Wish"]
