"""Detectors: the one-file format, its card, and how files are opened, trusted or not, and run."""

from doctored.detector.card import Card
from doctored.detector.detector import DEFAULT_BUDGET, Detector, Prediction, open_detector
from doctored.detector.outputs import Outputs
from doctored.detector.shelf import ShelfEntry

__all__ = ["DEFAULT_BUDGET", "Card", "Detector", "Outputs", "Prediction", "ShelfEntry", "open_detector"]
