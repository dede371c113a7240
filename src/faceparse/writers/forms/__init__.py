"""Output forms: one file each, with the name of its form."""
