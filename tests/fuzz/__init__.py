"""Damaged input of every kind is read or refused in one line: `python -m tests.fuzz --count 20000 --seed 1`."""
