import pytest

from data.readers.toy_sets import make_sets, named, write
from doctored.data.manifest import Manifest
from doctored.data.members import MemberStore
from doctored.data.readers import read_dataset, registered_readers
from doctored.data.readers.base import Listing, list_readable, register
from doctored.errors import DataError, UsageError

pytest.importorskip("pyarrow")
# A new reader adds its own: the contract below holds it.
SETS = make_sets()


def test_every_reader_has_a_toy_set():
    assert set(SETS) == set(registered_readers())


@pytest.mark.parametrize("name", SETS)
def test_the_contract_of_readers(tmp_path, name):
    files, ids = SETS[name]
    reader = registered_readers()[name]
    manifests = {
        form: read_dataset(write(tmp_path / "set", files, form))
        for form in ("folder", "zip", "tar", "tar.gz")
    }
    first = manifests["folder"]
    for form, manifest in manifests.items():
        assert manifest.digest() == first.digest(), form
        assert manifest.metadata == first.metadata
        (source,) = set(manifest.column("source"))
        with MemberStore(source) as store:
            for member in manifest.column("member"):
                assert store.read(member).decode() == member
                assert store.read(store.member(member)).decode() == member
    assert first.metadata.reader == name
    assert set(first.column("label")) == {"real", "fake"}
    assert sorted(first.column("id")) == sorted(ids)
    assert reader.matches(list_readable(files)) == 1.0
    assert reader.matches(list_readable(["elsewhere/a.jpg", "notes.json"])) == 0.0
    assert reader.matches(Listing([])) == 0.0
    assert reader.layout.strip()


@pytest.mark.parametrize("name", SETS)
def test_one_folder_more_changes_nothing(tmp_path, name):
    files, ids = SETS[name]
    if name == "huggingface":
        pytest.skip("its toy pictures hold their names")
    manifest = read_dataset(write(tmp_path / "set", {f"some set/{n}": d for n, d in files.items()}, "zip"))
    assert manifest.metadata.reader == name
    assert sorted(manifest.column("id")) == sorted(f"some set/{n}" for n in ids)


def test_cifake_says_what_its_names_say(tmp_path):
    manifest = read_dataset(write(tmp_path / "archive", SETS["cifake"][0], "zip"))
    rows = {row.id: row for row in manifest.rows()}
    fake = rows["train/FAKE/1000 (10).jpg"]
    assert (fake.label, fake.kind, fake.generator) == ("fake", "generated", "stable-diffusion-1.4")
    assert (fake.split, fake.subject, fake.licence) == ("train", "truck", "MIT")
    real = rows["test/REAL/0001 (4).jpg"]
    assert (real.label, real.kind, real.generator) == ("real", None, None)
    assert (real.split, real.subject) == ("test", "cat")
    assert rows["train/REAL/0000.jpg"].subject == "airplane"


def test_cifake_inside_one_more_folder(tmp_path):
    inside = [f"CIFAKE/{name}" for name in SETS["cifake"][0]]
    manifest = read_dataset(write(tmp_path / "set", inside, "zip"))
    assert manifest.metadata.reader == "cifake"
    assert manifest.counts("split") == {"train": 3, "test": 2}


@pytest.mark.parametrize(
    ("folder", "label", "kind", "split"),
    [
        ("real", "real", None, None),
        ("REAL", "real", None, None),
        ("0_real", "real", None, None),
        ("Au", "real", None, None),
        ("nature", "real", None, None),
        ("FAKE", "fake", None, None),
        ("progan/airplane/1_fake", "fake", None, None),
        ("Tp", "fake", None, None),
        ("ai", "fake", "generated", None),
        ("copy-move", "fake", "copy_move", None),
        ("Train/Real", "real", None, "train"),
        ("Validation/Fake", "fake", None, "val"),
        ("Test/Fake", "fake", None, "test"),
        ("fake/valid", "fake", None, "val"),
        ("fake and real/training/real/part 1", "real", None, "train"),
        ("real/fake", "fake", None, None),
        ("real_and_fake_face/training_real", "real", None, "train"),
        ("validation_fake", "fake", None, "val"),
        ("Real Images", "real", None, None),
        ("AI-generated images", "fake", "generated", None),
        ("authentic", "real", None, None),
        ("genuine", "real", None, None),
        ("Forged", "fake", None, None),
        ("original/manipulated", "fake", None, None),
        ("human", "real", None, None),
        ("artificial/nature", "fake", "generated", None),
        ("fake/human", "fake", None, None),
        ("noai", "real", None, None),
    ],
)
def test_class_folders_in_their_spellings(folder, label, kind, split):
    told = registered_readers()["folders"].parse([*folder.split("/"), "a.jpg"])
    assert (told["label"], told.get("kind"), told["split"]) == (label, kind, split)


def test_a_folder_named_after_a_generator():
    parse = registered_readers()["folders"].parse
    assert parse(["StyleGAN2", "fake", "a.png"])["generator"] == "StyleGAN2"
    assert parse(["fake", "stable-diffusion-xl", "a.png"])["generator"] == "stable-diffusion-xl"
    assert "generator" not in parse(["StyleGAN2", "real", "a.png"])
    assert "generator" not in parse(["my pictures", "fake", "a.png"])


@pytest.mark.parametrize(
    ("path", "generator", "split"),
    [
        ("Midjourney/imagenet_midjourney/train/ai/a.png", "Midjourney", "train"),
        ("GenImage/a new one/val/ai/a.png", "a new one", "val"),
        ("stable_diffusion_v_1_4/imagenet_ai_0419_sdv4/val/ai/a.png", "stable_diffusion_v_1_4", "val"),
        ("backup/ADM/train/ai/a.png", "ADM", "train"),
    ],
)
def test_genimage_names_its_generators(path, generator, split):
    told = registered_readers()["genimage"].parse(path.split("/"))
    assert told == {"split": split, "label": "fake", "kind": "generated", "generator": generator}
    told = registered_readers()["genimage"].parse(path.replace("/ai/", "/nature/").split("/"))
    assert told == {"split": split, "label": "real"}


@pytest.mark.parametrize(
    "path", ["train/ai/a.png", "dataset/train/ai/a.png", "ADM/ai/a.png", "ai/a.png", "a.png"]
)
def test_what_is_not_genimage(path):
    assert registered_readers()["genimage"].parse(path.split("/")) is None


@pytest.mark.parametrize(
    ("folders", "generator", "subject", "split"),
    [
        ("progan/airplane", "progan", "airplane", None),
        ("CNN_synth_testset/stylegan2/church", "stylegan2", "church", None),
        ("test/deepfake", "deepfake", None, "test"),
        ("progan_train/airplane", None, "airplane", None),
        ("train/horse", None, "horse", "train"),
        ("val/progan/train", "progan", "train", "val"),
        ("test/a new one/bird", "a new one", "bird", "test"),
        ("ldm_200", "ldm_200", None, None),
        ("san/a scene", "san", "a scene", None),
    ],
)
def test_forensynths_names_generators_and_subjects(folders, generator, subject, split):
    parse = registered_readers()["forensynths"].parse
    fake = parse([*folders.split("/"), "1_fake", "a.png"])
    assert fake == {
        "label": "fake", "kind": "generated", "generator": generator, "subject": subject, "split": split
    }  # fmt: skip
    real = parse([*folders.split("/"), "0_real", "a.png"])
    assert real == {"label": "real", "subject": subject, "split": split}


@pytest.mark.parametrize("path", ["train/1_fake/a.png", "1_fake/a.png", "progan/fake/a.png", "a.png"])
def test_what_is_not_forensynths(path):
    assert registered_readers()["forensynths"].parse(path.split("/")) is None


def test_what_is_no_picture_or_hidden_is_not_read(tmp_path):
    extra = ["real/notes.txt", "__MACOSX/real/._a.jpg", "real/.thumb.jpg", "fake/.hidden/b.jpg", "Thumbs.db"]
    manifest = read_dataset(write(tmp_path / "set", {**SETS["folders"][0], **named(*extra)}, "folder"))
    assert sorted(manifest.column("id")) == sorted(SETS["folders"][1])
    assert manifest.metadata.notes == ()


def test_what_is_left_out_is_told(tmp_path):
    many = [f"real/{index}.jpg" for index in range(30)]
    root = write(tmp_path / "set", [*many, "sheet.png"], "folder")
    (root / "real" / "link.jpg").symlink_to(root / "sheet.png")
    manifest = read_dataset(root)
    assert len(manifest) == 30
    assert manifest.metadata.notes == (
        "left out 1 picture: outside the layout; the first: sheet.png",
        "refused 1 member; the first: 'real/link.jpg' is a link or no file",
    )


def test_an_unknown_layout_draws_those_it_knows(tmp_path):
    with pytest.raises(DataError) as caught:
        read_dataset(write(tmp_path / "set", ["a/1.jpg", "b/2.jpg", "real/3.jpg"], "folder"))
    message = str(caught.value)
    for name, reader in registered_readers().items():
        assert f"{name}:\n{reader.layout}" in message
    assert "the nearest is 'folders', which understands 1 of 3 pictures" in message
    assert message.endswith("write a manifest.csv")


def test_the_nearest_layout_where_none_understands_anything(tmp_path):
    with pytest.raises(DataError, match=r"no folder's name is a class \('a', 'b'\); arrange"):
        read_dataset(write(tmp_path / "set", ["a/1.jpg", "b/2.jpg", "b/3.jpg"], "folder"))
    with pytest.raises(DataError, match="all pictures lie in one folder; arrange"):
        read_dataset(write(tmp_path / "flat", ["1.jpg", "2.jpg"], "folder"))


def test_a_hostile_name_is_shown_escaped(tmp_path):
    with pytest.raises(DataError) as caught:
        read_dataset(write(tmp_path / "set", ["a\x1b[2J/1.jpg"], "zip"))
    assert "\x1b" not in str(caught.value)


def test_a_layout_can_be_named(tmp_path):
    root = write(tmp_path / "set", ["a/1.jpg", "b/2.jpg", "real/3.jpg"], "folder")
    assert read_dataset(root, "folders").column("id") == ("real/3.jpg",)
    with pytest.raises(UsageError, match="did you mean 'folders'"):
        read_dataset(root, "folder")
    with pytest.raises(DataError, match="the reader 'cifake' understands none"):
        read_dataset(root, "cifake")


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        read_dataset(write(tmp_path / "set", ["real/notes.txt"], "folder"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_manifest_names_sources_from_its_own_folder(tmp_path, suffix):
    pytest.importorskip("pyarrow")
    write(tmp_path / "set", SETS["folders"][0], "zip")
    absolute = str(tmp_path / "elsewhere")
    manifest = Manifest(
        {"id": list("abc"), "source": ["set.zip", absolute, None], "member": ["real/a.png"] * 3}
    )
    path = tmp_path / f"manifest.{suffix}"
    (manifest.to_csv if suffix == "csv" else manifest.to_parquet)(path)
    read = read_dataset(path)
    assert read.column("source") == (str(tmp_path / "set.zip"), absolute, None)
    assert read.digest() == manifest.digest()


def test_two_readers_cannot_share_a_name():
    with pytest.raises(ValueError, match="two readers are named 'cifake'"):
        register(type(registered_readers()["cifake"]))
