"""Who is at a shelter (避難者名簿), and answering whoever looks for somebody (安否情報の提供), only as that person wants it.

said.py       what is asked of somebody who comes, checked
records.py    what is kept beside the vault, which says nothing of who anybody is
sheltered.py  the door: entered, left, found or not
finding.py    for everybody: a name and a place, and where that person is
"""

from kitamae.kernel.people.sheltered.finding import Finding, Found
from kitamae.kernel.people.sheltered.records import FOUND, REGISTER, Tally
from kitamae.kernel.people.sheltered.said import AGES, Said
from kitamae.kernel.people.sheltered.sheltered import Here, Sheltered

__all__ = ["AGES", "FOUND", "REGISTER", "Finding", "Found", "Here", "Said", "Sheltered", "Tally"]
