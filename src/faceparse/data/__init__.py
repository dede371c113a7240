"""Data sets: pictures and label maps as numpy, with a scheme; one file per layout."""

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.folder import FolderDataset
from faceparse.data.registry import kinds, open_dataset

__all__ = ["Dataset", "FolderDataset", "Sample", "kinds", "open_dataset"]
