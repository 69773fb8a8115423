"""A run's folder as a page: every chart under a question, and over each what it says in a sentence.

A page reads files and measures nothing anew but what the predictions alone still allow. What is not there
is said to be missing, with the command that makes it.
"""

from doctored.report.writing import Report, write_report

__all__ = ["Report", "write_report"]
