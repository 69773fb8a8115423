"""What a file says about itself: generators, editing software, camera; and what of it cannot all be so.

Nobody vouches for any of it. A statement that a picture was generated or edited with AI is weak, and its
sentence says that it can be planted; all else is neutral, but for a thumbnail that shows something else.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from doctored.checks.base import Check, neutral
from doctored.checks.registry import CheckSettings, register
from doctored.checks.texts import LIMITS, sentence
from doctored.records import Finding, Kind, Says, Strength
from doctored.untrusted import clean

if TYPE_CHECKING:
    from doctored.checks.generators import Match
    from doctored.checks.source_types import SourceType
    from doctored.picture import Picture
    from doctored.picture.metadata.exif import Exif, Value
    from doctored.picture.metadata.xmp import Xmp

TIFF, HEIF, AVIF = "TIFF", "HEIF", "AVIF"
CODES = {Kind.GENERATED: "declares_generated", Kind.EDITED_WITH_AI: "declares_edited_with_ai"}
SETTINGS = {
    "exposure_time_s": "ExposureTime",
    "f_number": "FNumber",
    "iso": "ISO",
    "focal_length_mm": "FocalLength",
    "focal_length_35mm": "FocalLengthIn35mmFilm",
    "lens": "LensModel",
    "software": "Software",
    "taken": "DateTimeOriginal",
}
SOFTWARE_FIELDS = (
    "exif:Software",
    "exif:ProcessingSoftware",
    "exif:ImageEditingSoftware",
    "exif:RAWDevelopingSoftware",
    "text:Software",
    "xmp:CreatorTool",
    "xmp:Software",
    "iptc:OriginatingProgram",
)
ORIENTATION_FIELD = "xmp:Orientation"
MAX_STATEMENTS = 8
Fields = dict[str, list[str]]

_neutral = partial(neutral, "metadata", LIMITS["metadata"])


class _Said(NamedTuple):
    """Everything that was read. `fields` holds the texts by where they stand: `exif:Software`,
    `text:parameters` (a PNG's text or a comment), `xmp:CreatorTool`, `iptc:Credit`."""

    fields: Fields
    exif: "Exif"
    xmp: "Xmp | None"


class MetadataCheck:
    """Findings of what is in EXIF, XMP, IPTC and texts; none for a file that has none of them."""

    name = "metadata"

    def __init__(self, shows_gps: bool = False) -> None:
        self._shows_gps = shows_gps

    def run(self, picture: "Picture") -> list[Finding]:
        container = picture.container()
        is_tiff = picture.format == TIFF
        if not (container.exif or container.xmp or container.iptc or container.texts or is_tiff):
            return []
        said = _read(picture)
        made = _find_statements(said)
        named_camera = not any(match.field in ("exif:Make", "exif:Model") for match in made.matches)
        return [
            *_declarations(made),
            *_source_types(made),
            *(self._camera(said) if named_camera else ()),
            *self._place(said),
            *_software(said),
            *_contradictions(said, picture),
            *_damage(said),
        ]

    def _camera(self, said: _Said) -> list[Finding]:
        make, model = (_text(said.exif.tags.get(name), 60) for name in ("Make", "Model"))
        if not (make or model):
            return []
        camera = model if not make or model.lower().startswith(make.lower()) else f"{make} {model}".strip()
        settings = {name: _plain(said.exif.tags.get(tag)) for name, tag in SETTINGS.items()}
        details: dict[str, Any] = {"make": make, "model": model}
        details |= {name: value for name, value in settings.items() if value not in (None, "")}
        details["has_maker_note"] = bool(said.exif.tags.get("MakerNote"))
        details["has_gps"] = _has_place(said)
        if details["has_gps"] and not self._shows_gps:
            details["gps"] = "a place is recorded; --gps shows it"
        return [_neutral("camera_metadata", sentence("camera_metadata", camera=camera), details)]

    def _place(self, said: _Said) -> list[Finding]:
        if not self._shows_gps or (place := _place_of(said.exif.gps)) is None:
            return []
        latitude, longitude = place
        text = sentence("place_recorded", latitude=latitude, longitude=longitude)
        details: dict[str, Any] = {"latitude": latitude, "longitude": longitude}
        altitude = said.exif.gps.get("Altitude")
        if isinstance(altitude, int | float):
            details["altitude_m"] = altitude
        if isinstance(date := said.exif.gps.get("DateStamp"), str):
            details["date"] = clean(date, 20)
        return [_neutral("place_recorded", text, details)]


class _Statements(NamedTuple):
    """What says how the picture came to be: generators' marks, and source types with their fields."""

    matches: "list[Match]"
    fields: Fields
    types: "list[tuple[str, SourceType]]"


def _read(picture: "Picture") -> _Said:
    from doctored.picture.metadata.exif import EMPTY, read_exif  # late: in a large scan few have any

    container = picture.container()
    block = picture.bytes if picture.format == TIFF else container.exif
    exif = read_exif(block) if block else EMPTY
    fields: Fields = {}
    for name, value in exif.tags.items():
        if isinstance(value, str) and value:
            fields[f"exif:{name}"] = [value]
    for keyword, text in container.texts:
        fields.setdefault(f"text:{keyword}", []).append(text)
    xmp = None
    if container.xmp:
        from doctored.picture.metadata.xmp import read_xmp

        xmp = read_xmp(container.xmp)
        for (namespace, name), values in xmp.properties.items():
            fields.setdefault(_xmp_field(namespace, name), []).extend(values)
    if container.iptc:
        from doctored.picture.metadata.iptc import read_iptc

        for name, values in read_iptc(container.iptc).items():
            fields.setdefault(f"iptc:{name}", []).extend(values)
    return _Said(fields, exif, xmp)


def _xmp_field(namespace: str, name: str) -> str:
    """`xmp:NAME` for the schemas that are read here; a name of any other one stands for itself."""
    from doctored.picture.metadata import xmp

    known = (xmp.DC, xmp.XMP_BASIC, xmp.PHOTOSHOP, xmp.IPTC_EXTENSION, xmp.EXIF, xmp.TIFF, xmp.CHINA_AIGC)
    return f"xmp:{name}" if namespace in known else f"xmp:{namespace}{name}"


def _find_statements(said: _Said) -> _Statements:
    from doctored.checks.generators import find_generators
    from doctored.checks.source_types import read_source_type

    values = said.fields.get("xmp:DigitalSourceType", ())[:MAX_STATEMENTS]
    types = [(value, found) for value in values if (found := read_source_type(value))]
    return _Statements(find_generators(said.fields), said.fields, list(dict(types).items()))


def _declarations(made: _Statements) -> list[Finding]:
    """A weak finding for each of `generated` and `edited_with_ai` that the file declares."""
    declared = {found.kind for _, found in made.types} - {None}
    findings = []
    for kind, code in CODES.items():
        types = [(value, found) for value, found in made.types if found.kind is kind]
        matches = [match for match in made.matches if _kind(match, declared) is kind]
        if not (types or matches):
            continue
        variant = "both" if types and matches else "generator" if matches else "source_type"
        found = types[0][1] if types else None
        text = sentence(
            code,
            variant,
            generator=" and ".join(match.name for match in matches[:3]),
            source_type=found.name if found else "",
            meaning=found.meaning if found else "",
        )
        details: dict[str, Any] = {}
        if matches:
            details["generators"] = [_describe(match, made.fields) for match in matches[:MAX_STATEMENTS]]
        if found:
            details |= {"source_type": found.name, "stated": clean(types[0][0])}
        findings.append(
            Finding(
                check=MetadataCheck.name,
                code=code,
                says=Says.FAKE,
                strength=Strength.WEAK,
                text=text,
                kind=kind,
                details=details,
                limits=LIMITS["metadata"],
            )
        )
    return findings


def _kind(match: "Match", declared: set[Kind | None]) -> Kind:
    """What a generator's marks declare; one that is named as used made what the source type says it made."""
    is_named = match.field == "xmp:AISystemUsed"
    is_edit = match.generator.edits or (is_named and declared == {Kind.EDITED_WITH_AI})
    return Kind.EDITED_WITH_AI if is_edit else Kind.GENERATED


def _describe(match: "Match", fields: Fields) -> dict[str, Any]:
    from doctored.checks.generation_settings import read_settings

    described = {"name": match.name, "field": clean(match.field, 60), "documented": match.generator.source}
    settings = read_settings(match, fields)
    return {**described, "settings": settings} if settings else described


def _source_types(made: _Statements) -> list[Finding]:
    others = [(value, found) for value, found in made.types if not found.kind]
    if not others:
        return []
    value, found = others[0]
    text = sentence("source_type_named", source_type=found.name, meaning=found.meaning)
    return [_neutral("source_type_named", text, {"source_type": found.name, "stated": clean(value)})]


def _software(said: _Said) -> list[Finding]:
    from doctored.checks.editing_software import find_editors

    findings = []
    named = [text for field in SOFTWARE_FIELDS for text in said.fields.get(field, ())[:MAX_STATEMENTS]]
    if editors := find_editors(named):
        text = sentence("edited_with_software", software=", ".join(editors[:3]))
        findings.append(_neutral("edited_with_software", text, {"software": editors}))
    history = said.xmp.history if said.xmp else ()
    if history:
        agents = list(
            dict.fromkeys(clean(step["softwareAgent"], 80) for step in history if step.get("softwareAgent"))
        )
        text = sentence("edit_history", count=len(history), agents=", ".join(agents[:3]) or "not named")
        steps = [{name: clean(value, 120) for name, value in step.items()} for step in history[:20]]
        details = {"count": len(history), "agents": agents[:MAX_STATEMENTS], "first_steps": steps}
        findings.append(_neutral("edit_history", text, details))
    return findings


def _contradictions(said: _Said, picture: "Picture") -> list[Finding]:
    from doctored.checks.contradictions import DATES, find_date_faults, find_other_size

    findings = []
    details: dict[str, Any]
    # The second directory of a TIFF is its second page.
    if said.exif.thumbnail is not None and picture.format != TIFF:
        findings += _thumbnail(said.exif.thumbnail, picture)
    other = find_other_size(said.exif.tags, picture.stored_size)
    # Their decoder turns these upright, by a box of their own, before anyone sees the stored size.
    if other and not (other.is_turned and picture.format in (HEIF, AVIF)):
        stated, size = ("×".join(map(str, pair)) for pair in (other.stated, picture.stored_size))
        variant = "turned" if other.is_turned else "resized"
        text = sentence("exif_size_differs", variant, stated=stated, size=size)
        findings.append(_neutral("exif_size_differs", text, {"stated": list(other.stated)}))
    if faults := find_date_faults(said.exif.tags, said.exif.gps.get("DateStamp")):
        details = {name: _text(said.exif.tags.get(name), 40) for name in DATES}
        text = sentence("dates_contradict", faults="; ".join(faults))
        findings.append(_neutral("dates_contradict", text, details))
    exif_orientation = said.exif.tags.get("Orientation")
    xmp_orientation = next(iter(said.fields.get(ORIENTATION_FIELD, ())), "").strip()
    both = (str(exif_orientation), xmp_orientation)
    if both[0] != both[1] and all(value in "12345678" and len(value) == 1 for value in both):
        text = sentence("orientation_contradicts", exif=both[0], xmp=both[1])
        details = {"exif": int(both[0]), "xmp": int(both[1])}
        findings.append(_neutral("orientation_contradicts", text, details))
    return findings


def _thumbnail(thumbnail: bytes, picture: "Picture") -> list[Finding]:
    from doctored.checks.thumbnails import UNLIKE, measure_likeness

    likeness = measure_likeness(picture, thumbnail)
    if likeness is None or likeness >= UNLIKE:
        return []
    return [
        Finding(
            check=MetadataCheck.name,
            code="thumbnail_unlike",
            says=Says.FAKE,
            strength=Strength.WEAK,
            text=sentence("thumbnail_unlike", likeness=likeness, limit=UNLIKE),
            kind=Kind.TAMPERED,
            score=likeness,
            details={"likeness": likeness, "limit": UNLIKE, "thumbnail_bytes": len(thumbnail)},
            limits=LIMITS["metadata"],
        )
    ]


def _damage(said: _Said) -> list[Finding]:
    faults = {"EXIF": said.exif.problems, "XMP": said.xmp.problems if said.xmp else ()}
    return [
        _neutral(
            "metadata_damaged",
            sentence("metadata_damaged", where=where, problem=problems[0]),
            {"where": where, "problems": list(problems)},
        )
        for where, problems in faults.items()
        if problems
    ]


def _has_place(said: _Said) -> bool:
    return bool(said.exif.gps.get("Latitude")) or "xmp:GPSLatitude" in said.fields


def _place_of(gps: "Mapping[str, Value]") -> tuple[float, float] | None:
    """Latitude and longitude in degrees, north and east positive."""
    latitude, longitude = (
        _degrees(gps.get(name), gps.get(f"{name}Ref")) for name in ("Latitude", "Longitude")
    )
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def _degrees(parts: "Value", reference: "Value") -> float | None:
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    return -degrees if reference in ("S", "W") else degrees


def _text(value: "Value", max_characters: int) -> str:
    return clean(value, max_characters) if isinstance(value, str) else ""


def _plain(value: "Value") -> Any:
    if isinstance(value, str):
        return clean(value, 80)
    return list(value) if isinstance(value, tuple) else value


@register("metadata")
def metadata_checks(settings: CheckSettings) -> Iterable[Check]:
    return [MetadataCheck(settings.shows_gps)]
