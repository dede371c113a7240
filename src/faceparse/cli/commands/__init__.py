"""The commands, one file each: a module here is a command, named as it is."""
