"""One parser kept for many pictures; each face's own lips.

python examples/many_photos.py examples/*.jpg
"""

import sys

import faceparse

parser = faceparse.Parser(faces="auto", threads=1)
for path, parsing in zip(sys.argv[1:], parser.map(sys.argv[1:]), strict=True):
    print(f"{path}: {len(parsing.faces)} face(s)")
    for face in parsing.faces:
        if face.parsing is not None:
            x0, y0, x1, y1 = (round(v) for v in face.box)
            print(
                f"  at {x0},{y0}-{x1},{y1}: lips {face.parsing.mask('lips').sum()} px, score {face.score:.2f}"
            )
