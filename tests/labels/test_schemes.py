"""The schemes against the facts, typed here a second time, and what holds for any of them."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import FaceparseError, LabelError
from faceparse.labels import ALIASES, GROUPS, IGNORE, Scheme, count, scheme, schemes
from faceparse.labels.palette import COLOURS

FACTS = {
    "celebamask19": "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip "
    "neck neck_l cloth hair hat",
    "maskgan19": "background skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat "
    "ear_r neck_l neck cloth",
    "segface-celeb19": "background neck skin cloth l_ear r_ear l_brow r_brow l_eye r_eye nose mouth l_lip u_lip "
    "hair eye_g hat ear_r neck_l",
    "lapa11": "background skin l_brow r_brow l_eye r_eye nose u_lip mouth l_lip hair",
    "helen11": "background skin l_brow r_brow l_eye r_eye nose u_lip mouth l_lip hair",
    "synthface19": "background skin nose r_eye l_eye r_brow l_brow r_ear l_ear mouth u_lip l_lip neck hair beard "
    "cloth eye_g hat facewear",
    "ourface11": "background skin eyes brows ears mouth u_lip l_lip hair beard accessory",
    "voc21-face": " ".join(["background", *(f"face_{i}" for i in range(1, 21))]),
    "face2": "background face",
    "hair2": "background hair",
}

names = st.sampled_from(sorted(FACTS))
maps = arrays(np.uint8, array_shapes(min_dims=2, max_dims=3, max_side=8))


def test_every_scheme_is_tested() -> None:
    assert set(schemes()) == set(FACTS)


@pytest.mark.parametrize("name", sorted(FACTS))
class TestFacts:
    def test_order(self, name: str) -> None:
        assert scheme(name).classes == tuple(FACTS[name].split())
        assert scheme(name).name == name
        assert scheme(name).title

    def test_ids_are_positions(self, name: str) -> None:
        one = scheme(name)
        assert [one.id(c) for c in one.classes] == list(range(len(one)))
        assert all(one.ids(c) == (i,) for i, c in enumerate(one.classes))

    def test_sides_are_paired_and_lower_lips_are_not(self, name: str) -> None:
        one = scheme(name)
        pairs = {(one.classes[a], one.classes[b]) for a, b in one.pairs}
        sided = {c for c in one.classes if c[:2] in ("l_", "r_") and c[2:] in ("eye", "brow", "ear")}
        assert {c for pair in pairs for c in pair} == sided
        assert all(a == "l_" + b[2:] for a, b in pairs)

    def test_palette_is_distinct_and_black_for_background(self, name: str) -> None:
        colours = scheme(name).palette
        assert colours.shape == (256, 3)
        assert colours.dtype == np.uint8
        own = colours[: len(scheme(name))].tolist()
        assert own[0] == [0, 0, 0]
        assert len({tuple(c) for c in own}) == len(own)
        assert not colours[len(scheme(name)) :].any()


def test_whose_left_a_scheme_means() -> None:
    unverified = {name for name in schemes() if scheme(name).left_means == "unverified"}
    assert unverified == {"lapa11"}
    assert {n for n in schemes() if scheme(n).left_means == "viewer"} == {"helen11", "synthface19"}


@pytest.mark.shared
def test_facesynthetics_calls_left_what_the_viewer_sees_on_the_left(shared: Path) -> None:
    synth = scheme("synthface19")
    assert synth.left_means == "viewer"
    for path in sorted((shared / "data" / "facesynthetics50" / "masks").glob("*.png"))[:20]:
        with Image.open(path) as file:
            labels = np.asarray(file)
        for left, right in synth.pairs:
            columns = [np.nonzero(labels == side)[1] for side in (left, right)]
            if min(c.size for c in columns) > 10:
                assert columns[0].mean() < columns[1].mean(), path.name


@given(names, maps)
def test_flipping_twice_changes_nothing(name: str, labels: NDArray[np.uint8]) -> None:
    one = scheme(name)
    np.testing.assert_array_equal(one.flip(one.flip(labels)), labels)


@given(names, maps)
def test_flipping_mirrors_all_and_swaps_sides_alone(name: str, labels: NDArray[np.uint8]) -> None:
    one = scheme(name)
    before = labels.copy()
    flipped = one.flip(labels)[..., ::-1]
    np.testing.assert_array_equal(labels, before)
    swapped = dict(one.pairs) | {b: a for a, b in one.pairs}
    for label in range(256):
        assert (flipped[labels == label] == swapped.get(label, label)).all()


class TestGroups:
    def test_lips_and_eyes(self) -> None:
        assert scheme("celebamask19").ids("lips") == (12, 13)
        assert scheme("celebamask19").ids("eyes") == (4, 5)
        assert scheme("segface-celeb19").ids("ears") == (4, 5)

    def test_a_class_wins_over_a_group(self) -> None:
        assert scheme("ourface11").ids("eyes") == (2,)
        assert scheme("face2").ids("face") == (1,)

    def test_face_is_skin_brows_eyes_glasses_nose_mouth_and_lips(self) -> None:
        one = scheme("celebamask19")
        face = {one.classes[i] for i in one.ids("face")}
        assert face == {
            "skin",
            "l_brow",
            "r_brow",
            "l_eye",
            "r_eye",
            "eye_g",
            "nose",
            "mouth",
            "u_lip",
            "l_lip",
        }

    @given(names, st.sampled_from(sorted(GROUPS)))
    def test_ids_are_the_members_that_exist(self, name: str, group: str) -> None:
        one = scheme(name)
        try:
            found = one.ids(group)
        except LabelError:
            assert not set(GROUPS[group]) & set(one.classes)
        else:
            assert list(found) == sorted(set(found))
            assert {one.classes[i] for i in found} <= set(GROUPS[group])

    def test_aliases(self) -> None:
        one = scheme("celebamask19")
        assert one.id("glasses") == one.id("eyeglasses") == 6
        assert {one.id(alias) for alias in ALIASES} <= set(range(19))


class TestErrors:
    def test_unknown_class_lists_what_there_is(self) -> None:
        with pytest.raises(LabelError) as caught:
            scheme("lapa11").id("hairs")
        message = str(caught.value)
        assert "no class or group 'hairs'" in message
        assert "Did you mean 'hair'?" in message
        assert "u_lip" in message
        assert "\n" not in message

    @pytest.mark.parametrize(
        ("name", "missing", "home"),
        [
            ("celebamask19", "beard", "Scheme ourface11 has it: --model vgg19-dinov3-vitl16."),
            ("lapa11", "glasses", "Scheme celebamask19 has it: --model default."),
            ("lapa11", "ears", "Scheme celebamask19 has it: --model default."),
            ("celebamask19", "facewear", "Scheme synthface19 has it."),
            ("celebamask19", "forehead", "Each face has it: parsing.faces.0..region.'forehead'.."),
        ],
    )
    def test_a_class_of_another_scheme_names_it(self, name: str, missing: str, home: str) -> None:
        with pytest.raises(LabelError, match=f"no class or group '{missing}'. {home}"):
            scheme(name).ids(missing)

    def test_unknown_scheme_lists_what_there_is(self) -> None:
        with pytest.raises(LabelError, match="no label scheme 'scalps'; there are celebamask19, face2"):
            scheme("scalps")

    def test_group_without_members(self) -> None:
        with pytest.raises(LabelError, match="ears"):
            scheme("lapa11").ids("ears")

    def test_labels_outside_the_scheme_are_named(self) -> None:
        one = scheme("lapa11")
        one.check(np.array([0, 10, IGNORE], np.uint8))
        with pytest.raises(
            LabelError, match="mask holds 11, 200, but scheme 'lapa11' has labels 0 to 10 and 255"
        ):
            one.check(np.array([[0, 11], [200, 11]], np.uint8), "mask")
        with pytest.raises(LabelError, match="…"):
            one.check(np.arange(40, dtype=np.uint8))

    @pytest.mark.parametrize(
        ("classes", "message"),
        [
            ((), "0 classes"),
            (tuple(map(str, range(256))), "256 classes"),
            (("a", "b", "a"), "names a more than once"),
            ("abc", "list of names; got 'abc'"),
            (("a", 3), "a class is a name, got 3"),
            (("a", ""), "a class is a name, got ''"),
        ],
    )
    def test_impossible_schemes(self, classes: Any, message: str) -> None:
        with pytest.raises(FaceparseError, match=message):
            Scheme("own", classes)


class TestOwnSchemes:
    @given(
        st.lists(
            st.sampled_from(sorted(COLOURS)) | st.text(min_size=1, max_size=8),
            min_size=1,
            max_size=255,
            unique=True,
        )
    )
    def test_any_number_of_classes_has_distinct_stable_colours(self, classes: list[str]) -> None:
        one, longer = Scheme("own", tuple(classes)), Scheme("longer", (*classes[:254], "one more, named so"))
        colours = one.palette[: len(classes)]
        assert len({tuple(c) for c in colours.tolist()}) == len(classes)
        np.testing.assert_array_equal(longer.palette[: len(longer) - 1], colours[: len(longer) - 1])

    def test_passes_through_pickles_and_is_frozen(self) -> None:
        own = Scheme("own", ("background", "l_wing", "r_wing"), tables_to={"face2": {"l_wing": "ignore"}})
        assert scheme(own) is own
        again = pickle.loads(pickle.dumps(own))
        assert again == own
        assert again.tables_to["face2"] == {"l_wing": "ignore"}
        assert own.pairs == ((1, 2),)
        with pytest.raises(AttributeError):
            own.name = "other"  # type: ignore[misc]


@given(maps)
def test_count_is_a_histogram(labels: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(count(labels), [(labels == i).sum() for i in range(256)])


def test_count_of_a_large_map() -> None:
    labels = np.zeros((1100, 1000), np.uint8)
    labels[-1, -1] = 7
    assert count(labels)[[0, 7]].tolist() == [1_099_999, 1]
