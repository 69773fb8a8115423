import json

import numpy as np
import pytest

from data.readers.toy_sets import coco, write
from doctored.data.inspection import ODDITIES, inspect
from doctored.data.manifest import Manifest
from doctored.picture import encode_png
from hostile_sets import picture


def odd(found):
    return {oddity.code: oddity for oddity in found.odd}


def test_what_was_understood(tmp_path):
    members = {
        "Au/Au_ani_00001.jpg": picture(),
        "Au/Au_ani_00002.jpg": picture(),
        "Tp/Tp_S_NRN_S_N_ani00002_ani00002_00001.tif": picture(),
        "Tp/Tp_D_NRN_S_N_ani00001_ani00003_00002.jpg": picture(),
        "gt/Tp_D_NRN_S_N_ani00001_ani00003_00002_gt.png": b"never opened",
        "readme.txt": b"",
        "list.XLSX": b"",
    }
    found = inspect(write(tmp_path / "set", members, "zip"))
    assert (found.reader, found.title, found.rows, found.masks, found.crops) == (
        "casia2",
        "CASIA v2",
        4,
        1,
        0,
    )
    assert found.groups == {"groups": 2, "rows": 4, "largest": 2}
    assert [tuple(entry.values()) for entry in found.counts] == [
        (None, "fake", "copy_move", None, 1),
        (None, "fake", "spliced", None, 1),
        (None, "real", None, None, 2),
    ]
    assert found.formats == {"fake": {"JPEG": 2}, "real": {"JPEG": 2}}
    assert (odd(found)["suffix"].reason, odd(found)["suffix"].count) == ("JPEG named .tif", 1)
    assert odd(found)["other_files"].reason == ".xlsx 1, .txt 1"
    assert set(odd(found)) == {"suffix", "other_files"}
    assert not found.has_unread
    assert json.loads(json.dumps(found.to_json()))["rows"] == 4


def test_crops_and_annotations(tmp_path):
    annotations = coco([("a.png", 9, 9)], [(1, 0, [0, 0, 5, 5], []), (1, 1, [2, 2, 5, 5], [])])
    pixels = encode_png(np.zeros((9, 9, 3), np.uint8))
    root = write(tmp_path / "set", {"Train_poly.json": annotations, "Train/a.png": pixels})
    found = inspect(root)
    assert (found.rows, found.crops, found.masks) == (2, 2, 0)
    assert odd(found)["other_files"].examples == ("Train_poly.json",)


def test_a_manifest_whose_masks_are_gone(tmp_path):
    write(tmp_path / "set", {"real/a.jpg": picture(), "fake/b.jpg": picture()})
    Manifest(
        {
            "id": ["a", "b"],
            "source": ["set"] * 2,
            "member": ["real/a.jpg", "fake/b.jpg"],
            "label": ["real", "fake"],
            "mask": [None, "masks/b.png"],
        }
    ).to_csv(tmp_path / "manifest.csv")
    found = inspect(tmp_path / "manifest.csv")
    assert (found.rows, found.reader, found.looked_into) == (2, None, 2)
    assert odd(found)["missing_masks"].examples == ("masks/b.png",)
    assert found.has_unread


@pytest.mark.parametrize(("look_into", "looked_into"), [(None, 30), (7, 7), (1, 1), (100, 30)])
def test_pictures_are_looked_into_evenly(tmp_path, look_into, looked_into):
    root = write(tmp_path / "set", [f"real/{number:02d}.jpg" for number in range(30)])
    found = inspect(root, None, look_into)
    assert found.looked_into == looked_into
    assert odd(found)["not_a_picture"].count == looked_into
    assert set(odd(found)) <= set(ODDITIES)


def test_pictures_that_no_row_holds(tmp_path):
    root = write(tmp_path / "set", [*(f"real/{number}.jpg" for number in range(30)), "sheet.png"])
    assert odd(inspect(root))["left_out"].examples == ("sheet.png",)
