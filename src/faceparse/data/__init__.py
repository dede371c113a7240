"""Data sets: pictures and label maps as NumPy arrays, in a label scheme; one file per data set layout."""

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.folder import FolderDataset
from faceparse.data.registry import kinds, open_dataset

__all__ = ["Dataset", "FolderDataset", "Sample", "kinds", "open_dataset"]
