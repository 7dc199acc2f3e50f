"""A city of invented people, for whoever builds on the city: made through the doors that real ones come in by, and marked on every page.

people.py      who they are: ages as in the city, households, names, addresses   seed -> the same people in the same year
furnishing.py  what happened to them: they signed in, agreed, were looked at     on a city that is open at an earlier time
hands.py       the hands of that earlier time's clock
making.py      both together, in a data directory of its own

That a directory is a sandbox is said by the file `sandbox.json` in it (`kitamae.directory.sandbox`), from its first moment on.
"""
