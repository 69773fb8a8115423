import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.readers.toy_sets import write
from doctored.data.readers import casia, read_dataset

# The ways in which the authors of CASIA misnamed files: picture, mask under the corrected name, what is true.
MISNAMED = [
    ("Sp_D_NRN_A_nat0054_arc0054_0404", "Sp_D_NRN_A_nat0054_arc0054_0404", "spliced"),
    ("Sp_D_NND_A_nat0055_nat0055_0189", "Sp_S_NND_A_nat0055_nat0055_0189", "copy_move"),
    ("Sp_S_NRN_A_arc0008_arc0028_0234", "Sp_D_NRN_A_arc0008_arc0028_0234", "spliced"),
    ("Sp_D_NRN_A_ani0001_arc0059_0404", "Sp_D_NRN_A_arc0059_ani0001_0404", "spliced"),
    ("Sp_D_NNN_A_sec0049_sec0049_0117", "Sp_D_NNN_A_sec0049_sec0050_0117", "spliced"),
    ("Sp_D_NRN_A_ant0063_nat0065_0443", "Sp_D_NRN_A_nat0063_nat0065_0443", "spliced"),
    ("Sp_S_NRD_A_ani0040_ani0054.0257", "Sp_D_NRD_A_ani0040_ani0054_0257", "spliced"),
    ("Sp_S_NRN_C_txt0022_txt0022_0090", "Sp_S_NRN_C_ind0024_ind0024_0090", "copy_move"),
]


def rows_of(tmp_path, members):
    manifest = read_dataset(write(tmp_path / "set", members, "zip"))
    return manifest, {row.member.rpartition("/")[2].rpartition(".")[0]: row for row in manifest.rows()}


def test_every_misnamed_picture_finds_its_mask(tmp_path):
    pictures = [f"Sp/{picture}.jpg" for picture, _, _ in MISNAMED]
    masks = [f"CASIA 1.0 groundtruth/CM/{mask}_gt.png" for _, mask, _ in MISNAMED]
    manifest, rows = rows_of(tmp_path, pictures + masks)
    for picture, mask, kind in MISNAMED:
        assert rows[picture].mask == f"CASIA 1.0 groundtruth/CM/{mask}_gt.png"
        assert (rows[picture].label, rows[picture].kind) == ("fake", kind)
    assert manifest.metadata.notes[0] == (
        "8 tampered pictures with a mask: 1 of the same name, 3 of the other sort by name, 1 with the two "
        "sources swapped, 2 renamed, with one source in common, 1 renamed"
    )


def test_no_pair_is_made_where_there_is_a_choice(tmp_path):
    pictures = ["Sp/Sp_D_NNN_A_ani0001_ani0002_0001.jpg", "Sp/Sp_D_NNN_A_ani0003_ani0004_0001.jpg"]
    masks = ["gt/Sp_D_NNN_A_art0001_art0002_0001_gt.png", "gt/Sp_D_NNN_A_art0003_art0004_0001_gt.png"]
    manifest, rows = rows_of(tmp_path, pictures + masks)
    assert {row.mask for row in rows.values()} == {None}
    assert f"2 tampered pictures without a mask, the first: {pictures[0]}" in manifest.metadata.notes
    assert f"left out 2 pictures: masks of no picture here; the first: {masks[0]}" in manifest.metadata.notes


def test_copies_of_a_picture_share_its_mask(tmp_path):
    name = "Tp_D_NRN_S_N_ani00001_ani00002_00001"
    manifest, _ = rows_of(tmp_path, [f"a/{name}.tif", f"b/{name}.jpg", f"gt/{name}_gt.png"])
    assert manifest.column("mask") == (f"gt/{name}_gt.png",) * 2


def test_masks_without_gt_in_a_folder_of_masks(tmp_path):
    name = "Tp_S_NRN_S_N_ani00001_ani00001_00001"
    manifest, _ = rows_of(tmp_path, [f"Tp/{name}.tif", f"CASIA2 Groundtruth/{name}.png"])
    assert manifest.column("mask") == (f"CASIA2 Groundtruth/{name}.png",)


def test_what_is_known_of_v1(tmp_path):
    members = [
        "CASIA1/Sp/Sp_D_NRN_A_sce0011_cha0011_0542.jpg",
        "CASIA1/Sp/Sp_D_CNN_A_sec0012_ani0007_0275.jpg",
        "gt/Sp_D_CNN_A_sec0012_ani0007_0275_gt.png",
        "CASIA1/Au/Au_cha_0011.JPG",
    ]
    manifest, rows = rows_of(tmp_path, members)
    assert set(rows) == {"Sp_D_CNN_A_sec0012_ani0007_0275", "Au_cha_0011"}
    assert f"this mask lies turned by a quarter: {members[2]}" in manifest.metadata.notes
    assert (
        f"left out 1 picture: an authentic picture compressed again, no forgery; the first: {members[0]}"
        in (manifest.metadata.notes)
    )


def test_pictures_that_share_a_source_share_a_group(tmp_path):
    _, rows = rows_of(
        tmp_path,
        [
            *(f"Au/Au_ani_000{number}.jpg" for number in range(1, 7)),
            "Sp/Sp_D_NNN_A_ani0001_ani0002_0001.jpg",
            "Sp/Sp_D_NNN_A_ani0002_ani0003_0002.jpg",
            "Sp/Sp_S_NNN_A_ani0005_ani0005_0003.jpg",
            "Sp/Sp_D_NNN_A_ani0004_ani0006_0004.jpg",
            "gt/Sp_D_NNN_A_ani0004_ani0005_0004_gt.png",
        ],
    )
    groups = {name: row.group for name, row in rows.items()}
    assert {groups[name] for name in ("Au_ani_0001", "Au_ani_0002", "Au_ani_0003")} == {"ani00001"}
    assert (
        groups["Sp_D_NNN_A_ani0001_ani0002_0001"] == groups["Sp_D_NNN_A_ani0002_ani0003_0002"] == "ani00001"
    )
    # The mask's name corrects the picture's: the sources of both count.
    assert {groups[f"Au_ani_000{number}"] for number in (4, 5, 6)} == {"ani00004"}
    assert groups["Sp_S_NNN_A_ani0005_ani0005_0003"] == "ani00004"


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15))))
def test_groups_are_connected_components(edges):
    groups = casia._Groups()
    for one, other in edges:
        groups.join(f"{one:02d}", f"{other:02d}")
    reach = {node: {node} for node in range(16)}
    for _ in range(16):
        for one, other in edges:
            reach[one] |= reach[other]
            reach[other] |= reach[one]
    for node in range(16):
        assert groups.find(f"{node:02d}") == f"{min(reach[node]):02d}"


@pytest.mark.parametrize("name", ["Au_ani_001", "Sp_X_NNN_A_ani0001_ani0002_0001", "Tp_D_ani00001"])
def test_other_names_are_left_out(tmp_path, name):
    known = [f"Au/Au_ani_{number:04d}.jpg" for number in range(20)]
    manifest, rows = rows_of(tmp_path, [*known, f"Au/{name}.jpg"])
    assert len(rows) == 20
    assert manifest.metadata.notes == (f"left out 1 picture: outside the layout; the first: Au/{name}.jpg",)
