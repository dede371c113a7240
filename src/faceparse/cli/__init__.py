"""The command line: the main program, and one file per command."""
