"""`python -m kitamae` is the `kitamae` command."""

from kitamae.cli import main

main()
