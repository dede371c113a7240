"""Data sets: pictures and label maps as numpy, with a scheme; one file per layout."""

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.folder import FolderDataset

__all__ = ["Dataset", "FolderDataset", "Sample"]
