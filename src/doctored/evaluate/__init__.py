"""A detector on a labelled data set: figures with n and intervals, and the files that hold them."""

from doctored.evaluate.evaluation import Evaluation, evaluate, evaluate_runs
from doctored.evaluate.judge import Judgements
from doctored.evaluate.outcome import Outcome

__all__ = ["Evaluation", "Judgements", "Outcome", "evaluate", "evaluate_runs"]
