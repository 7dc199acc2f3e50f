"""Who cannot flee alone (避難行動要支援者名簿, 災害対策基本法 第49条の10): the list, and what helpers see of whoever agreed (第49条の11).

said.py      what is asked of somebody, checked; a row of a file says the same
table.py     the list as a file brings it (CSV)
records.py   what is kept beside the vault, which says nothing of who anybody is
assisted.py  the door: entered, corrected, agreed, left, and read
bringing.py  a whole file through that door
helpers.py   whose district is whose, and what a helper sees
"""

from kitamae.kernel.people.assisted.assisted import Assisted, Person
from kitamae.kernel.people.assisted.bringing import Brought, bring
from kitamae.kernel.people.assisted.helpers import Helpers
from kitamae.kernel.people.assisted.records import LIST, SHARED, Count
from kitamae.kernel.people.assisted.said import Known, Told, Wrong
from kitamae.kernel.people.assisted.table import COLUMNS, MOST, Row, table

__all__ = [
    "COLUMNS",
    "LIST",
    "MOST",
    "SHARED",
    "Assisted",
    "Brought",
    "Count",
    "Helpers",
    "Known",
    "Person",
    "Row",
    "Told",
    "Wrong",
    "bring",
    "table",
]
