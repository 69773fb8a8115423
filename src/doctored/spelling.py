"""The end of every "there is no X called Y" line: what was probably meant, or what there is."""

from collections.abc import Iterable


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint for a `word` that is none of `known`: the nearest of them, or `otherwise`, or all of them."""
    from difflib import get_close_matches  # late: it is read only where something has gone wrong

    known = list(known)
    if near := get_close_matches(word, known, n=1):
        return f"did you mean {near[0]!r}?"
    return otherwise or f"there are: {', '.join(known) or 'none'}"
