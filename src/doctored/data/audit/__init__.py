"""The audit of a data set, before anyone trains on it: shortcuts, leaks and a verdict."""

from doctored.data.audit.auditing import Audit, audit, judge_facts
from doctored.data.audit.facts import Facts, collect_facts

__all__ = ["Audit", "Facts", "audit", "collect_facts", "judge_facts"]
