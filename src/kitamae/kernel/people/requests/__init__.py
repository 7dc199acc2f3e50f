"""What people ask the town hall about their data: 苦情・相談, and the statutory requests for 開示, 訂正 and 利用停止.

kinds.py     what can be asked, under which articles      case.py      a case as it is kept, and every step of it (pure)
deadline.py  until when it must be answered (pure)         requests.py  the door: `Requests`, on the store and the vault
calendar.py  the days on which a town hall is closed       breach.py    a breach of data and its clock (pure)
                                                           breaches.py  the door: `Breaches`

個人情報の保護に関する法律, chapter 5, as it binds municipalities since 1 April 2023. What a person writes lies in the vault; the case
itself is a row of states and dates under an opaque reference, and every step of it is a leaf in the ledger.
"""

from kitamae.kernel.calendar import Calendar
from kitamae.kernel.people.requests.breaches import Breaches
from kitamae.kernel.people.requests.requests import Requests

__all__ = ["Breaches", "Calendar", "Requests"]
