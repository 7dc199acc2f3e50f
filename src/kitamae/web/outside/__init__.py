"""Kept pages outlive the server: as plain files, in as many places as the city names.

plain.py     a page that needs nothing else: one HTML file, its style and its script in it
writing.py   what is written when: snapshot/<sha-256>.json, <page>.html and <page>.<language>.html, <page>.json last
targets.py   where to: a folder, SFTP, S3, by fsspec
routes.py    the same files from here, at /snapshot/
"""
