"""Who else knows something (clauses 5.9-5.11): `registry.Registrations` is the door, everything else is behind it.

validate       a payload -> the document that is kept, names expanded
model          that document -> `Registration`, for matching
operations     the names of operations and their groups (clause 4.20)
match          does this registration concern these entities, attributes, places, times
show           a registration for a client, in its words
conflict       who already answers for what an exclusive or redirect registration claims
interest       subscriptions to registrations: validated, compiled, and what they are told
subscriptions  who wants to know of registrations: kept in the store, told of changes in their transaction
"""
