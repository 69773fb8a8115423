"""From a labelled data set to a one-file detector."""

from doctored.training.recipe import Recipe
from doctored.training.run import RunResult, train

__all__ = ["Recipe", "RunResult", "train"]
