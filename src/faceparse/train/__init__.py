"""Training with PyTorch Lightning: settings, augmentation, sampling, losses and the training loop."""
