"""What Kitamae claims about speed, one file per claim. `make bench` measures; nothing here asserts a time."""
