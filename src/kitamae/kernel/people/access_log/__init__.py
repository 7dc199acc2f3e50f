"""The access log (アクセスログ): who came in, was refused, changed something or used what is the operator's, kept per class.

entry.py   what is told of a request, and the classes with their days
noted.py   what only the code that did it knows: whose sign-in it was, which token
log.py     written beside the requests, read by days
upkeep.py  a digest of each day in the ledger; what is past its days goes, with an entry in the ledger
"""

from kitamae.kernel.people.access_log.entry import CLASSES, DAYS, Class, Entry
from kitamae.kernel.people.access_log.log import AccessLog
from kitamae.kernel.people.access_log.upkeep import Upkeep

__all__ = ["CLASSES", "DAYS", "AccessLog", "Class", "Entry", "Upkeep"]
