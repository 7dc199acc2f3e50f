"""What the stores on SQL have in common; SQL itself is each store's own.

columns.py     an entity and an attribute -> what their rows hold
conditions.py  `q` -> a condition, in the words of a dialect
plan.py        a query -> parts of one SELECT, in the words of a dialect
named.py       statements by name, out of .sql files
steps.py       numbered migrations, each with its way back
"""
