"""Overlays and reasons from a detector's own evidence; a JPEG's own views."""

from doctored.explain.explanation import Explanation, explain
from doctored.explain.jpeg_views import JpegViews, view_jpeg

__all__ = ["Explanation", "JpegViews", "explain", "view_jpeg"]
