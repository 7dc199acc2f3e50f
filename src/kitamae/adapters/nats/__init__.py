"""The city's changes on NATS JetStream, for programs that follow them without asking again and again.

relay.py     store -> stream: every change once, in the order of commits, again and again until it is there
message.py   one change as a message: its subject and its body

The stream is a relay and never the truth: what NATS loses, it is given again from the store.
"""

from kitamae.adapters.nats.relay import Relay

__all__ = ["Relay"]
