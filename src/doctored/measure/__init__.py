"""Metrics, intervals, calibration and thresholds, on arrays of labels and scores; numpy only.

`labels` is 1 for `fake` (the positive class) and 0 for `real`. A slice that is empty, or that holds one
class only, has no AUC: such a figure is None, never a made-up number.
"""
