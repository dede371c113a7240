import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from faceparse.errors import LabelError
from faceparse.labels import IGNORE, Scheme, conversion, convert, scheme, schemes, with_open_classes

CELEBA = ("celebamask19", "maskgan19", "segface-celeb19")

SYNTHFACE_TO_OURFACE = {
    **dict.fromkeys(("nose", "neck", "skin"), "skin"),
    **dict.fromkeys(("l_eye", "r_eye"), "eyes"),
    **dict.fromkeys(("l_brow", "r_brow"), "brows"),
    **dict.fromkeys(("l_ear", "r_ear"), "ears"),
    **dict.fromkeys(("background", "cloth"), "background"),
    **dict.fromkeys(("eye_g", "hat", "facewear"), "accessory"),
    **{c: c for c in ("mouth", "u_lip", "l_lip", "hair", "beard")},
}


def named(source: str | Scheme, target: str | Scheme) -> dict[str, str]:
    """A conversion's table in names."""
    made = conversion(source, target, "name")
    goals = [int(i) for i in made.table[: len(made.source)]]
    return {
        c: "ignore" if g == IGNORE else made.target.classes[g]
        for c, g in zip(made.source.classes, goals, strict=True)
    }


def test_synthface_to_ourface_as_published() -> None:
    assert named("synthface19", "ourface11") == SYNTHFACE_TO_OURFACE


@pytest.mark.parametrize(("one", "other"), [*itertools.permutations(CELEBA, 2)])
def test_celeba_orders_convert_by_name(one: str, other: str) -> None:
    assert named(one, other) == {c: c for c in scheme(one).classes}


@given(
    st.permutations(CELEBA),
    arrays(np.uint8, (4, 5), elements=st.integers(0, 18) | st.just(IGNORE)),
)
def test_there_and_back_through_all_celeba_orders(order: list[str], labels: NDArray[np.uint8]) -> None:
    there = labels
    for source, target in zip(order, [*order[1:], order[0]], strict=True):
        there = convert(there, source, target)
    np.testing.assert_array_equal(there, labels)


@given(st.sampled_from(sorted(schemes())), arrays(np.uint8, (4, 5)))
def test_to_itself_changes_no_label(name: str, labels: NDArray[np.uint8]) -> None:
    labels = np.where(labels < len(scheme(name)), labels, IGNORE).astype(np.uint8)
    np.testing.assert_array_equal(convert(labels, name, name), labels)


def test_declared_rows_name_classes_that_exist() -> None:
    for source in schemes().values():
        for target, rows in source.tables_to.items():
            for name, goal in rows.items():
                assert name in source, f"{source.name} to {target}: {name}"
                assert goal == "ignore" or goal in scheme(target), f"{source.name} to {target}: {goal}"


def test_declared_conversions_are_whole() -> None:
    for source in schemes().values():
        for target in source.tables_to:
            table = conversion(source, target).table
            assert (table[len(source) :] == IGNORE).all()
            assert (table[table != IGNORE] < len(scheme(target))).all()


def test_conversions_keep_sides() -> None:
    for source in schemes().values():
        for target in source.tables_to:
            sides = named(source, target)
            for c, goal in sides.items():
                assert goal[:2] not in ("l_", "r_") or goal.endswith("lip") or goal == c


def test_merges_and_ignores() -> None:
    lapa = named("celebamask19", "lapa11")
    assert lapa["l_ear"] == lapa["r_ear"] == "skin"
    assert lapa["eye_g"] == "ignore"
    assert named("synthface19", "celebamask19")["beard"] == "skin"
    assert named("synthface19", "celebamask19")["facewear"] == "ignore"
    assert set(named("voc21-face", "face2").values()) == {"background", "face"}


@pytest.mark.parametrize("labels", [np.array([[IGNORE]], np.uint8)])
def test_ignored_stays_ignored(labels: NDArray[np.uint8]) -> None:
    assert convert(labels, "celebamask19", "face2")[0, 0] == IGNORE


BROWS = Scheme(
    "brows4", ("background", "brows", "left", "hair"),
    merges=(("background", ()), ("brows", ("l_brow", "r_brow")), ("left", ("l_eye", "l_ear"))),
)  # fmt: skip


class TestMerges:
    def test_a_rest_takes_what_no_other_class_does(self) -> None:
        celeb = scheme("celebamask19")
        assert named(celeb, "hair2") == {c: "hair" if c == "hair" else "background" for c in celeb.classes}
        assert named(celeb, BROWS)["l_ear"] == "left"
        assert named(celeb, BROWS)["r_ear"] == "background"

    @pytest.mark.parametrize("target", sorted(set(schemes()) - {"hair2", "face2", "voc21-face"}))
    def test_what_a_class_leaves_open_is_a_class_of_its_own(self, target: str) -> None:
        open_scheme = with_open_classes(scheme(target), scheme("hair2"))
        base = scheme(target)
        assert open_scheme.classes[: len(base)] == base.classes
        (members,) = dict(open_scheme.merges).values()
        assert set(members) == set(base.classes) - {"hair"}
        assert conversion("hair2", open_scheme).table[:2].tolist() == [len(base), base.id("hair")]
        assert (conversion(base, open_scheme).table[: len(base)] == np.arange(len(base))).all()

    def test_sets_of_one_side_have_their_mirror_image(self) -> None:
        celeb = scheme("celebamask19")
        open_scheme = with_open_classes(celeb, BROWS, scheme("hair2"), BROWS)
        merges = dict(open_scheme.merges)
        assert merges["brows4 left"] == ("l_eye", "l_ear")
        assert merges["brows4 left mirrored"] == ("r_eye", "r_ear")
        table = open_scheme.flip_table
        assert table[open_scheme.id("brows4 left")] == open_scheme.id("brows4 left mirrored")
        assert table[open_scheme.id("brows4 brows")] == open_scheme.id("brows4 brows")
        assert (table[:19] == celeb.flip_table[:19]).all()
        assert len(open_scheme) == 19 + 6, "the rest beside the left ones is of one side too"

    def test_nothing_open_changes_nothing(self) -> None:
        celeb = scheme("celebamask19")
        assert with_open_classes(celeb, scheme("maskgan19"), scheme("lapa11")) is celeb

    def test_a_merged_class_is_not_split(self) -> None:
        with pytest.raises(
            LabelError, match="cannot convert hair2 to celebamask19: background may be any of several"
        ):
            conversion("hair2", "celebamask19")


class TestErrors:
    def test_a_split_names_the_class(self) -> None:
        with pytest.raises(LabelError, match="cannot convert ourface11 to celebamask19: eyes, brows, ears"):
            conversion("ourface11", "celebamask19")

    def test_a_missing_row_names_the_class(self) -> None:
        own = Scheme("own", ("background", "horn"))
        with pytest.raises(
            LabelError,
            match=r"cannot convert own to face2: horn has no class there.*`to: \{face2: \{horn: CLASS\}\}` to own's YAML",
        ):
            conversion(own, "face2")

    def test_unknown_schemes(self) -> None:
        with pytest.raises(LabelError, match="no label scheme 'x'"):
            conversion("x", "face2")


def test_tables_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        conversion("celebamask19", "face2").table[0] = 1


def test_sides_follow_the_subject_or_the_name() -> None:
    synth, celeb = scheme("synthface19"), scheme("celebamask19")
    by_name, same_eye = (conversion(synth, celeb, sides) for sides in ("name", "subject"))
    assert by_name.table[synth.id("l_eye")] == celeb.id("l_eye")
    assert same_eye.table[synth.id("l_eye")] == celeb.id("r_eye")
    assert same_eye.table[synth.id("l_lip")] == celeb.id("l_lip")
    assert (conversion(synth, celeb).table == same_eye.table).all()
    assert (conversion(celeb, "maskgan19", "subject").table == conversion(celeb, "maskgan19").table).all()
    with pytest.raises(LabelError, match="name or subject, got 'mine'"):
        conversion(synth, celeb, "mine")


def test_two_schemes_of_one_name_keep_their_own_tables() -> None:
    one = Scheme("mine", ("background", "beard"), tables_to={"celebamask19": {"beard": "skin"}})
    other = Scheme("mine", ("background", "beard"), tables_to={"celebamask19": {"beard": "ignore"}})
    assert conversion(one, "celebamask19").table[1] == 1
    assert conversion(other, "celebamask19").table[1] == 255


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([[0, 19]], np.uint8), "holds 19, but scheme 'celebamask19' has labels 0 to 18"),
        (np.array([[0.0, 1.0]]), "a label map is uint8, got float64"),
        (np.array([[0, 1]], np.int64), "a label map is uint8, got int64"),
    ],
)
def test_what_is_no_label_map_is_named(labels: Any, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        convert(labels, "celebamask19", "lapa11")
