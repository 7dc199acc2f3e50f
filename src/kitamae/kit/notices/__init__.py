"""Notices to persons: what `kernel.people.notices` says is owed goes out by a channel, and what none takes, on paper.

sender.py     hands over what is due, never twice; after failures it goes on paper
channel.py    what a channel is
mail.py       e-mail, to an address that the person gave and that was made sure
addresses.py  giving that address, making it sure, taking it back
paper.py      the list of those who get a letter; returned mail; the report
record.py     that it was told, and how: with the person's records, and in the ledger
"""

from kitamae.kit.notices.addresses import Addresses, Kept
from kitamae.kit.notices.channel import Channel, Told
from kitamae.kit.notices.mail import Mail
from kitamae.kit.notices.paper import Paper, Printed, Report
from kitamae.kit.notices.sender import Pace, Sender

__all__ = ["Addresses", "Channel", "Kept", "Mail", "Pace", "Paper", "Printed", "Report", "Sender", "Told"]
