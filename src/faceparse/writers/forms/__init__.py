"""Output forms: one file each, whose name is the form's."""
