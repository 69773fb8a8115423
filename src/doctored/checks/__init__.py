"""Checks look at one picture and report findings; none knows the verdict.

A check is one file here and one test: a class with a `name` and `run(picture)`, a sentence for each of its
codes in `texts.py`, a `@register` beside it, and a line in `shipped.py`.
"""
