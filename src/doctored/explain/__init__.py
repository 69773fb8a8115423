"""Overlays and reasons from a detector's own evidence."""

from doctored.explain.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
