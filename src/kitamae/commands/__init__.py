"""The commands behind `kitamae`, one file each."""
