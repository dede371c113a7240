"""Groups of classes, and everyday names for classes; all schemes share these class names."""

from __future__ import annotations

from collections.abc import Mapping

_EYES = ("eyes", "l_eye", "r_eye")
_BROWS = ("brows", "l_brow", "r_brow")
_LIPS = ("u_lip", "l_lip")
_VOC = tuple(f"face_{i}" for i in range(1, 21))  # FCN-8s' twenty channels that all mean face

GROUPS: Mapping[str, tuple[str, ...]] = {
    # Beard counts as face, because schemes without a beard class label beards as skin.
    "face": ("face", *_VOC, "skin", "beard", *_BROWS, *_EYES, "eye_g", "nose", "mouth", *_LIPS),
    "eyes": _EYES,
    "brows": _BROWS,
    "ears": ("ears", "l_ear", "r_ear"),
    "lips": _LIPS,
}
"""Group name → class names. In a scheme, a group contains only classes that the scheme has."""

ALIASES: Mapping[str, str] = {
    "glasses": "eye_g",
    "eyeglasses": "eye_g",
    "earring": "ear_r",
    "necklace": "neck_l",
    "upper_lip": "u_lip",
    "lower_lip": "l_lip",
    "left_eye": "l_eye",
    "right_eye": "r_eye",
    "left_brow": "l_brow",
    "right_brow": "r_brow",
    "left_ear": "l_ear",
    "right_ear": "r_ear",
    "clothes": "cloth",
}
"""Everyday name → class name."""
