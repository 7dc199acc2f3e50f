"""Why a link does not work. The pages say it in the reader's language, by the class."""

from __future__ import annotations

from kitamae.kernel.problems import Conflict, Forbidden, Problem


class LinkUnknown(Problem):
    """A code that this city never gave out, or whose terms were changed since."""

    type = "https://kitamae.example/problems/link-unknown"
    status = 404
    title = "This link is not one of this city's"


class LinkOver(Problem):
    """Not yet valid, not valid any more, ended, lost, or used as often as it may be."""

    type = "https://kitamae.example/problems/link-over"
    status = 410
    title = "This link does not work at that time"


class Elsewhere(Forbidden):
    """Sent from outside of the link's place, or without saying from where."""

    type = "https://kitamae.example/problems/link-elsewhere"
    title = "This link only works in its place"


class SentTwice(Conflict):
    """The same update number with another content."""

    type = "https://kitamae.example/problems/link-sent-twice"
    title = "An update with this number was sent before, and said something else"
