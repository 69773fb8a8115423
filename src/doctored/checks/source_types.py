"""IPTC's vocabulary of digital source types: how a picture says that it came to be.

Source: https://cv.iptc.org/newscodes/digitalsourcetype/ (2024-10-23, retired terms included), and the two of
C2PA 2.1, section 8.2.
"""

from typing import NamedTuple

from doctored.records import Kind


class SourceType(NamedTuple):
    """`name` as in the vocabulary, `meaning` in words, `kind` what it declares; None for all but two."""

    name: str
    meaning: str
    kind: Kind | None = None


_TYPES = (
    SourceType("trainedAlgorithmicMedia", "made by a trained model", Kind.GENERATED),
    SourceType("compositeWithTrainedAlgorithmicMedia", "edited with a trained model", Kind.EDITED_WITH_AI),
    SourceType("digitalCapture", "captured by a digital camera"),
    SourceType("computationalCapture", "several frames of a camera, merged"),
    SourceType("negativeFilm", "digitised from a negative"),
    SourceType("positiveFilm", "digitised from a positive film"),
    SourceType("print", "digitised from a print"),
    SourceType("minorHumanEdits", "an original with minor human edits"),
    SourceType("humanEdits", "edited by people, without generative tools"),
    SourceType("algorithmicallyEnhanced", "enhanced by an algorithm, without generative tools"),
    SourceType("softwareImage", "made by software"),
    SourceType("digitalArt", "made by people with digital tools"),
    SourceType("digitalCreation", "made by people with digital tools, without generative ones"),
    SourceType("dataDrivenMedia", "drawn from data"),
    SourceType("algorithmicMedia", "made by an algorithm that was not trained on samples"),
    SourceType("screenCapture", "captured from a screen"),
    SourceType("virtualRecording", "recorded from a virtual event"),
    SourceType("composite", "put together from several elements"),
    SourceType("compositeCapture", "put together from several captures"),
    SourceType("compositeSynthetic", "put together from elements of which some are synthetic"),
    SourceType("trainedAlgorithmicData", "data made by a trained model"),
    SourceType("empty", "begun as an empty canvas"),
)
_BY_NAME = {source_type.name.lower(): source_type for source_type in _TYPES}
_VOCABULARIES = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/",
    "https://cv.iptc.org/newscodes/digitalsourcetype/",
    "http://c2pa.org/digitalsourcetype/",
    "https://c2pa.org/digitalsourcetype/",
    "digsrctype:",
    "",
)


def read_source_type(value: str) -> SourceType | None:
    """The type that a value names, by its address (http or https), its short code or its bare name; None for
    any other text, however much of a name is in it."""
    plain = value.strip().rstrip("/").lower()
    for vocabulary in _VOCABULARIES:
        if plain.startswith(vocabulary) and (found := _BY_NAME.get(plain.removeprefix(vocabulary))):
            return found
    return None
