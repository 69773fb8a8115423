"""The first two minutes: pictures at hand, judged, on one page."""

from doctored.demo.show import Shown, run_demo

__all__ = ["Shown", "run_demo"]
