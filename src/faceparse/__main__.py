"""`python -m faceparse` is the command `faceparse`."""

from faceparse.cli.main import main

main()
