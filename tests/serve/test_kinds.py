"""Every kind of picture is parsed and edited; a damaged one is read or refused, never the server's fault."""

import random
from typing import Any

import pytest

from tests.fuzz.mutate import mutated
from tests.pictures.kinds import KINDS, Kind, decodes

READ = [kind for kind in KINDS if decodes(kind.needs)]


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.name)
def test_every_kind(client: Any, kind: Kind) -> None:
    for path in ("/v1/parse", "/v1/edit?edit=hair=red"):
        answer = client.post(path, content=kind.make())
        assert answer.status_code == 200, answer.text


def test_damaged_pictures(client: Any) -> None:
    chance, pool = random.Random(3), [kind.make() for kind in READ]
    refused = 0
    for _ in range(150):
        picture = mutated(chance, chance.choice(pool), pool)
        answer = client.post("/v1/edit?edit=hair=red", content=picture)
        assert answer.status_code in (200, 400, 413, 415, 422), answer.text
        refused += answer.status_code != 200
    assert 0 < refused < 150
