"""The NGSI-LD HTTP binding (clause 6 of ETSI GS CIM 009 V1.9.1), by hand on ASGI.

`routing` finds a handler in the table of `routes`; an `Exchange` gives it the request's headers, parameters, body and
@context; it returns an `Answer`. Whatever is raised becomes an answer in `answer.of_problem`, and nowhere else.
"""

from kitamae.kernel.context.api.application import Application
from kitamae.kernel.context.api.routes import routes

__all__ = ["Application", "routes"]
