"""Text that came out of a file, made fit to be shown beside our own."""

REPLACEMENT = "\ufffd"
ELLIPSIS = "…"
# Runs of blanks and invisible characters shrink, so more is looked at than can be shown.
LOOKED_AT = 8


def clean(text: str, max_characters: int = 200) -> str:
    """`text` on one line, printable, at most `max_characters` long; what was cut off is marked by "…".

    Runs of white space become one space. What Unicode calls format characters (directional overrides and
    isolates, zero-width joiners, soft hyphens, tags) is dropped; every other character that does not print
    (controls, lone surrogates, private and unassigned ones) becomes U+FFFD. Cleaning twice changes nothing.
    """
    if len(text) <= max_characters and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = text.lstrip()
    head = text[: LOOKED_AT * max_characters]
    cleaned = " ".join("".join(map(_printable, head)).split())
    is_cut = len(head) < len(text) or len(cleaned) > max_characters
    return cleaned[: max_characters - 1].rstrip() + ELLIPSIS if is_cut else cleaned


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    from unicodedata import category  # late: nearly all text prints as it is

    return "" if category(character) == "Cf" else REPLACEMENT
