"""Training (torch, pytorch-lightning): settings, loss, random samples, sampling, fit."""
