from hypothesis import given
from hypothesis import strategies as st

from doctored.picture.metadata.iptc import read_iptc
from provenance_metadata import iptc


def test_datasets_are_read_by_name_and_in_order():
    block = iptc((1, 90, "\x1b%G"), (2, 80, "Käthe"), (2, 80, "狐"), (2, 110, "House"), (2, 200, "unknown"))
    assert read_iptc(block) == {"By-line": ("Käthe", "狐"), "Credit": ("House",)}


def test_what_is_not_utf_8_is_latin_1():
    assert read_iptc(b"\x1c\x02\x50\0\x05K\xe4the") == {"By-line": ("Käthe",)}


def test_an_extended_length_is_followed():
    assert read_iptc(b"\x1c\x02\x50\x80\x04\0\0\0\x03fox" + iptc((2, 110, "x"))) == {
        "By-line": ("fox",),
        "Credit": ("x",),
    }


def test_reading_ends_where_datasets_do():
    assert read_iptc(iptc((2, 110, "x")) + b"\0\0" + iptc((2, 80, "y"))) == {"Credit": ("x",)}
    assert read_iptc(b"\x1c\x02\x50\xff\xffxx") == {}
    assert read_iptc(b"\x1c\x02\x50\x7f\xffxx") == {"By-line": ("xx",)}


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data):
    read_iptc(data)
    read_iptc(b"\x1c\x02\x50" + data)
