import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.picture.metadata.xmp import DC, IPTC_EXTENSION, XMP_BASIC, read_xmp
from hostile_metadata import hostile_packets
from provenance_metadata import BILLION, STEPS, xmp

TYPE = (IPTC_EXTENSION, "DigitalSourceType")


@pytest.mark.parametrize(
    "packet",
    [
        xmp({"Iptc4xmpExt:DigitalSourceType": "a"}),
        xmp(elements="<Iptc4xmpExt:DigitalSourceType>a</Iptc4xmpExt:DigitalSourceType>"),
        xmp(elements='<Iptc4xmpExt:DigitalSourceType rdf:resource="a"/>'),
        xmp(elements="<Iptc4xmpExt:DigitalSourceType>\n  a\n</Iptc4xmpExt:DigitalSourceType>"),
        xmp({"Iptc4xmpExt:DigitalSourceType": "a"}) + b"\0\0\0",
        b"\xef\xbb\xbf" + xmp({"Iptc4xmpExt:DigitalSourceType": "a"}),
        "\ufeff".encode("utf-16-be")
        + xmp({"Iptc4xmpExt:DigitalSourceType": "a"}).decode().encode("utf-16-be"),
        xmp() + xmp({"Iptc4xmpExt:DigitalSourceType": "a"}),
    ],
)
def test_a_property_is_the_same_however_it_is_written(packet):
    found = read_xmp(packet)
    assert found.properties[TYPE] == ("a",)
    assert found.first(*TYPE) == "a"
    assert found.problems == ()


@pytest.mark.parametrize("container", ["Bag", "Seq", "Alt"])
def test_the_items_of_a_list_are_its_values(container):
    items = '<rdf:li xml:lang="x-default">a &amp; b</rdf:li><rdf:li rdf:resource="c"/>'
    found = read_xmp(xmp(elements=f"<dc:subject><rdf:{container}>{items}</rdf:{container}></dc:subject>"))
    assert found.properties == {(DC, "subject"): ("a & b", "c")}


def test_the_history_keeps_its_steps_however_they_are_written():
    assert read_xmp(xmp(elements=STEPS)).history == (
        {"action": "created", "when": "2024-01-01T00:00:00Z", "softwareAgent": "Adobe Photoshop 25.0"},
        {"action": "saved", "changed": "/"},
    )
    nested = '<rdf:li><rdf:Description stEvt:action="saved"/></rdf:li>'
    found = read_xmp(xmp(elements=f"<xmpMM:History><rdf:Seq>{nested}</rdf:Seq></xmpMM:History>"))
    assert found.history == ({"action": "saved"},)


def test_a_property_of_something_else_is_not_the_picture_s():
    inner = (
        "<dc:source><rdf:Description><xmp:CreatorTool>GIMP</xmp:CreatorTool></rdf:Description></dc:source>"
    )
    assert (XMP_BASIC, "CreatorTool") not in read_xmp(xmp(elements=inner)).properties


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        (BILLION, "it declares a document type, which no real packet does"),
        (b"<a>" * 100, "it is nested deeper than any real one"),
        (b"", "its XML is broken"),
        (xmp()[:-40], "its XML is broken"),
        (b" " * 17_000_000, "it is too large to be read"),
        (b"<a>" + b"<b/>" * 100_001 + b"</a>", "it has more elements than any real one"),
        (xmp() * 9, "it has more packets than any real one"),
    ],
)
def test_what_is_wrong_is_said(packet, problem):
    assert read_xmp(packet).problems == (problem,)


def test_what_came_before_a_fault_stays():
    packet = xmp({"xmp:CreatorTool": "GIMP"}, "<dc:title>x</dc:title>").replace(
        b"</dc:title>", b"</dc:nothing>"
    )
    assert read_xmp(packet).first(XMP_BASIC, "CreatorTool") == "GIMP"


def test_hostile_packets_are_read_in_seconds():
    for name, packet in hostile_packets():
        began = time.perf_counter()
        read_xmp(packet)
        assert time.perf_counter() - began < 10, name


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data):
    read_xmp(data)
    read_xmp(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + data)


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6), st.integers(0, 2500))
def test_any_damage_is_read(changes, end):
    data = bytearray(xmp({"xmp:CreatorTool": "GIMP"}, STEPS))
    for place, value in changes:
        data[place % len(data)] = value
    read_xmp(bytes(data[:end]))
