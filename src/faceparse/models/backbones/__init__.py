"""Backbones from torchvision that several networks share."""
