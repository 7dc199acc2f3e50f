"""The policy: one question that every route, page, broker operation, subscription and job asks. Default: no.

`city.cedar` says who may do what, in ten policies or fewer that staff can read; `question` is what is asked, `facts`
turns it into what Cedar is told, `policy` remembers decisions and says no in words. `cedar` is the engine.
"""

from kitamae.kernel.people.policy.facts import ANYBODY, Facts
from kitamae.kernel.people.policy.policy import Policy
from kitamae.kernel.people.policy.question import Action, Question

__all__ = ["ANYBODY", "Action", "Facts", "Policy", "Question"]
