"""Duties (担当) of the town hall's staff: who does which desk's work, and for what purposes somebody reads personal data.

`plan` says what the duties of a city are; `steps` what a person holds at a moment, worked out from what was given and
taken; `transfer` is a change of duties, of one person or of the whole town hall (人事異動); `office` is where changes
are asked for, approved, withdrawn and undone; `sheet` reads them from a file; `emergency` is access in a disaster to
what is not one's duty (緊急アクセス). `standing` is what the policy hears of all this, `posts` what a resident is told
of whoever looked.
"""

from kitamae.kernel.people.duties.emergency import Emergencies, Emergency
from kitamae.kernel.people.duties.office import Office
from kitamae.kernel.people.duties.plan import Duty, Plan
from kitamae.kernel.people.duties.posts import Post, Posts
from kitamae.kernel.people.duties.standing import Standing, standing
from kitamae.kernel.people.duties.steps import ACCOUNT, Held, Step
from kitamae.kernel.people.duties.transfer import Transfer

__all__ = [
    "ACCOUNT",
    "Duty",
    "Emergencies",
    "Emergency",
    "Held",
    "Office",
    "Plan",
    "Post",
    "Posts",
    "Standing",
    "Step",
    "Transfer",
    "standing",
]
