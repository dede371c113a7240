"""Trunks that several networks share: libraries' own, with the maps that a decoder taps."""
