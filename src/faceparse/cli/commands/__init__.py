"""The commands, one file each; a module has the name of its command."""
