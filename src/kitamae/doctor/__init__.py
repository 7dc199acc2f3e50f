"""What is misconfigured here, in plain words: each finding says what is so, why it matters, and what to do about it.

    reach.py   how people get here: addresses, TLS, demonstrations left on
    keys.py    keys: where they lie, who may read them, whether they could be lost
    tokens.py  programs that may say what only sensors should
    upkeep.py  what somebody must do regularly: backups, room, mail, witnesses, papers
    notes.py   what was done by hand and can be known only by noting it: backups taken, shares made, copies put away

The server examines itself, because only it knows its own settings; `kitamae doctor` asks it and finds the words.
"""

from kitamae.doctor.examination import examine
from kitamae.doctor.finding import ALL, Kind, Level

__all__ = ["ALL", "Kind", "Level", "examine"]
