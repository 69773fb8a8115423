"""One small set in each reader's layout. A picture holds its own member's name for bytes."""

import io
import json
import tarfile
import zipfile


def named(*members):
    return {name: name.encode() for name in members}


def coco(pictures, faces):
    """A COCO JSON of (name, width, height) and (picture, category, box, polygons); ids count from 1."""
    images = [
        {"id": number, "file_name": name, "width": width, "height": height}
        for number, (name, width, height) in enumerate(pictures, 1)
    ]
    annotations = [
        {"id": number, "image_id": picture, "category_id": category, "bbox": box, "segmentation": polygons}
        for number, (picture, category, box, polygons) in enumerate(faces, 1)
    ]
    categories = [{"id": 0, "name": "Real"}, {"id": 1, "name": "Fake"}]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()


SQUARE = [[10, 10, 29, 10, 29, 29, 10, 29]]
FACES = coco(
    [("Images/Train/0a.jpg", 100, 80), ("Images/Train/0b.jpg", 50, 50)],
    [(1, 1, [5.5, 5, 30.2, 30], SQUARE), (1, 0, [60, 10, 20, 20], SQUARE), (2, 0, [40, 40, 30, 30], SQUARE)],
)


def huggingface_metadata(names=("FAKE", "REAL")):
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(names), "_type": "ClassLabel"},
    }
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def picture_table(member, labels, metadata=None, **columns):
    """The columns that `datasets` writes; a picture holds its row's name."""
    import pyarrow

    images = [{"bytes": f"{member}#{row}".encode(), "path": None} for row in range(len(labels))]
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    columns = {"image": pyarrow.array(images, kind), "label": pyarrow.array(labels), **columns}
    return pyarrow.table(columns).replace_schema_metadata(
        huggingface_metadata() if metadata is None else metadata
    )


def parquet(member, labels, row_group_size=2, **given):
    from pyarrow import parquet as format

    out = io.BytesIO()
    format.write_table(picture_table(member, labels, **given), out, row_group_size=row_group_size)
    return out.getvalue()


def arrow(member, labels, **given):
    import pyarrow

    out = io.BytesIO()
    table = picture_table(member, labels, **given)
    with pyarrow.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return out.getvalue()


def make_sets():
    """Reader → (files, ids of the rows that it makes of them)."""
    paths = {
        "cifake": [
            "train/REAL/0000.jpg",
            "train/REAL/0000 (2).jpg",
            "train/FAKE/1000 (10).jpg",
            "test/REAL/0001 (4).jpg",
            "test/FAKE/0 (7).jpg",
        ],
        "openforensics-faces": ["Train/Real/real_0.jpg", "Train/Fake/fake_0.jpg", "Test/Fake/fake_1 (1).jpg"],
        "genimage": [
            "GenImage/Midjourney/imagenet_midjourney/train/ai/0_midjourney_6.png",
            "GenImage/Midjourney/imagenet_midjourney/train/nature/n01440764_10026.JPEG",
            "GenImage/ADM/val/ai/1_adm.PNG",
            "GenImage/ADM/val/nature/n01440764_1.JPEG",
        ],
        "forensynths": [
            "progan/airplane/0_real/00001.png",
            "progan/airplane/1_fake/00001.png",
            "deepfake/0_real/1.png",
            "deepfake/1_fake/1.png",
        ],
        "folders": ["real/a.png", "real/sub/b.jpg", "fake/c.webp", "fake/größe (1).JPG"],
    }
    sets = {name: (named(*members), members) for name, members in paths.items()}
    casia1 = ["CASIA1/Au/Au_ani_0001.jpg", "CASIA1/Sp/Sp_D_NRN_A_ani0001_arc0059_0404.jpg"]
    sets["casia1"] = (named(*casia1, "masks/Sp/Sp_D_NRN_A_ani0001_arc0059_0404_gt.png"), casia1)
    casia2 = ["CASIA2/Au/Au_ani_00001.jpg", "CASIA2/Tp/Tp_D_NRN_S_N_ani00001_ani00002_00001.tif"]
    mask = "CASIA2/CASIA 2 Groundtruth/Tp_D_NRN_S_N_ani00001_ani00002_00001_gt.png"
    sets["casia2"] = (named(*casia2, mask), casia2)
    sets["openforensics"] = (
        {"Train_poly.json": FACES, **named("Train/0a.jpg", "Train/0b.jpg")},
        [f"Train_poly.json#{number}" for number in (1, 2, 3)],
    )
    member = "data/train-00000-of-00001.parquet"
    sets["huggingface"] = ({member: parquet(member, [0, 1, 1])}, [f"{member}#{row}" for row in range(3)])
    return sets


def write(path, files, form="folder"):
    """A set as a folder, a zip, a tar or a tar.gz; a list of names holds the names."""
    if not isinstance(files, dict):
        files = named(*files)
    if form == "folder":
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        return path
    folder = write(path.with_name(f"{path.name}-{form}-files"), files, "folder")
    packed = path.with_name(f"{path.name}.{form}")
    if form == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in reversed(files):
                archive.write(folder / name, name)
    else:
        with tarfile.open(packed, "w:gz" if form == "tar.gz" else "w") as archive:
            archive.add(folder, ".")
    return packed
