"""Queries as data: the tree (`tree`), the grammar (`q.lark`, `parse`), and their exact meaning (`match`).

A store may translate as much of a tree as it can into its own language; what it cannot say exactly it must answer
by a superset and then ask `match`. So every store, and every subscription, means the same.
"""
