"""Every sentence a check says, by the code of its finding: one file of them for each check.

A code with more than one sentence has variants: `outside_domain:size`. The sentences are for people: one
plain sentence each, with capital and full stop, that claims no more than the check knows. `LIMITS` says, by
check, what it cannot see.
"""

from doctored.checks.texts import container, credentials, detector, jpeg, metadata

_FILES = (credentials, metadata, container, jpeg, detector)

TEXTS = {"could_not_check": "The check {check} could not look at this picture: {reason}."}
LIMITS: dict[str, str] = {}
for _file in _FILES:
    if taken := (TEXTS.keys() & _file.TEXTS.keys()) | (LIMITS.keys() & _file.LIMITS.keys()):
        raise ValueError(f"two files of sentences have {sorted(taken)}; rename those of {_file.__name__}")
    TEXTS |= _file.TEXTS
    LIMITS |= _file.LIMITS


def sentence(code: str, variant: str = "", **values: object) -> str:
    """The catalogue's sentence for a code, filled in."""
    return TEXTS[f"{code}:{variant}" if variant else code].format(**values)


def codes() -> frozenset[str]:
    """Every code that a finding can have."""
    return frozenset(key.partition(":")[0] for key in TEXTS)
