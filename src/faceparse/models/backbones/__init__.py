"""Trunks from torchvision that several networks share."""
