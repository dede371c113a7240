"""The package's edits, one file each."""
