"""From a labelled data set to a one-file detector."""

from doctored.training.finder import Search, find_rate
from doctored.training.pooled import train_folds
from doctored.training.recipe import Recipe
from doctored.training.run import RunResult, train

__all__ = ["Recipe", "RunResult", "Search", "find_rate", "train", "train_folds"]
