"""Training (torch, pytorch-lightning): settings, loss, random views, sampling, fit."""
