"""XMP (ISO 16684-1): the properties of a packet, and its history of edits.

Only what a picture's own packet uses of RDF is understood: properties of `rdf:Description`, as attributes or
as elements, plain, as a resource, or as items of a Bag, Seq or Alt; and the fields of the history's items.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 64
MAX_ELEMENTS = 100_000
MAX_VALUES = 10_000
MAX_VALUE_CHARACTERS = 2**20
MAX_DOCUMENTS = 8
MAX_HISTORY = 1000

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML = "http://www.w3.org/XML/1998/namespace"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
XMP_BASIC = "http://ns.adobe.com/xap/1.0/"
XMP_MEDIA = "http://ns.adobe.com/xap/1.0/mm/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
EXIF = "http://ns.adobe.com/exif/1.0/"
TIFF = "http://ns.adobe.com/tiff/1.0/"
CHINA_AIGC = "http://www.tc260.org.cn/ns/AIGC/1.0/"

Name = tuple[str, str]
HISTORY: Name = (XMP_MEDIA, "History")
CONTAINERS = frozenset({(RDF, "Bag"), (RDF, "Seq"), (RDF, "Alt")})
STEP_FIELDS = ("action", "when", "softwareAgent", "changed", "parameters")


class Xmp(NamedTuple):
    """`properties` by (namespace, name), each with its values in order; `history` a field's value by name
    (action, when, softwareAgent, changed, parameters) for each step; `problems` what was wrong, in words."""

    properties: Mapping[Name, tuple[str, ...]]
    history: tuple[Mapping[str, str], ...]
    problems: tuple[str, ...]

    def first(self, namespace: str, name: str) -> str | None:
        return next(iter(self.properties.get((namespace, name), ())), None)


class _Stop(Exception):
    """The packet is not worth more work; what was read of it stays."""


def read_xmp(packet: bytes) -> Xmp:
    """Read a packet, or several one behind the other (a JPEG's extended XMP). A document type, and so any
    entity of one's own, is refused; after any fault, what came before it stays."""
    reader = _Reader()
    if len(packet) > MAX_BYTES:
        reader.problems.append("it is too large to be read")
    else:
        reader.read(_as_utf8(packet).strip(b"\0 \t\r\n"))
    properties = {name: tuple(values) for name, values in reader.properties.items()}
    return Xmp(properties, tuple(reader.history), tuple(reader.problems))


def _as_utf8(packet: bytes) -> bytes:
    if packet[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return packet.decode("utf-16", "replace").encode("utf-8", "replace")
    return packet.removeprefix(b"\xef\xbb\xbf")


class _Reader:
    def __init__(self) -> None:
        self.properties: dict[Name, list[str]] = {}
        self.history: list[dict[str, str]] = []
        self.problems: list[str] = []
        self._elements = 0
        self._values = 0
        self._restart()

    def _restart(self) -> None:
        # Of every open element what it is to us: "", "rdf", "about", "property", "list", "item", "field".
        self._roles: list[str] = []
        self._property: Name | None = None
        self._field = ""
        self._text: list[str] | None = None
        self._text_length = 0

    def read(self, data: bytes) -> None:
        from xml.parsers import expat  # late: nearly no picture of a large scan has a packet

        for _ in range(MAX_DOCUMENTS):
            self._restart()
            parser = expat.ParserCreate("utf-8", namespace_separator=" ")
            self._listen(parser)
            try:
                parser.Parse(data, True)
                return
            except _Stop as stop:
                self.problems.append(str(stop))
                return
            except (expat.ExpatError, ValueError):
                behind = data.find(b"<", max(parser.ErrorByteIndex, 1))
                if self._roles or not self._elements or behind < 0:
                    self.problems.append("its XML is broken")
                    return
                data = data[behind:]
        self.problems.append("it has more packets than any real one")

    def _listen(self, parser: "XMLParserType") -> None:
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._open
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._hear

    def _refuse(self, *_: object) -> None:
        raise _Stop("it declares a document type, which no real packet does")

    def _open(self, element: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise _Stop("it has more elements than any real one")
        if len(self._roles) >= MAX_DEPTH:
            raise _Stop("it is nested deeper than any real one")
        name = _split(element)
        parent = self._roles[-1] if self._roles else ""
        role = self._role(name, parent)
        self._roles.append(role)
        self._text = None
        if role == "about":
            for key, value in attributes.items():
                if (named := _split(key))[0] not in (RDF, XML):
                    self._keep(named, value)
        elif role in ("property", "item"):
            self._open_value(role, name, attributes)
        elif role == "step":
            self._read_fields(attributes)
        elif role == "field":
            self._field, self._text, self._text_length = name[1], [], 0

    def _role(self, name: Name, parent: str) -> str:
        if parent == "rdf":
            return "about"
        if parent == "about":
            return "property"
        if parent == "property" and name in CONTAINERS:
            return "list"
        if parent == "list" and name == (RDF, "li"):
            return "item"
        if self._property == HISTORY and parent in ("item", "step"):
            return "step" if name == (RDF, "Description") else "field"
        return "rdf" if name == (RDF, "RDF") and parent == "" else ""

    def _open_value(self, role: str, name: Name, attributes: dict[str, str]) -> None:
        if role == "property":
            self._property = name
        assert self._property is not None
        if resource := attributes.get(f"{RDF} resource"):
            self._keep(self._property, resource)
        if role == "item" and self._property == HISTORY:
            if len(self.history) >= MAX_HISTORY:
                raise _Stop("its history is longer than any real one")
            self.history.append({})
            self._read_fields(attributes)
        self._text, self._text_length = [], 0

    def _read_fields(self, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            self._keep_field(_split(key)[1], value)

    def _keep_field(self, name: str, value: str) -> None:
        if name in STEP_FIELDS and self.history:
            self.history[-1].setdefault(name, value[:MAX_VALUE_CHARACTERS])

    def _close(self, _: str) -> None:
        role = self._roles.pop()
        text = None if self._text is None else "".join(self._text).strip()
        self._text = None
        if text and role in ("property", "item") and self._property is not None:
            self._keep(self._property, text)
        elif text and role == "field":
            self._keep_field(self._field, text)
        if role == "property":
            self._property = None

    def _hear(self, text: str) -> None:
        if self._text is not None and self._text_length < MAX_VALUE_CHARACTERS:
            self._text.append(text[: MAX_VALUE_CHARACTERS - self._text_length])
            self._text_length += len(text)

    def _keep(self, name: Name, value: str) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _Stop("it has more values than any real one")
        self.properties.setdefault(name, []).append(value[:MAX_VALUE_CHARACTERS])


def _split(name: str) -> Name:
    """A name as expat gives it, with its namespace; "" for none."""
    namespace, _, local = name.rpartition(" ")
    return namespace, local
