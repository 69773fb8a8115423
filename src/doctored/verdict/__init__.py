"""Findings to verdict: one table of rules, read by one pure function."""

from doctored.verdict.policy import Policy, Row, decide, not_examined
from doctored.verdict.table import load_policy, parse_policy, restore_policy, shipped_policies

__all__ = [
    "Policy",
    "Row",
    "decide",
    "load_policy",
    "not_examined",
    "parse_policy",
    "restore_policy",
    "shipped_policies",
]
