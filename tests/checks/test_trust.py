"""Trust lists: what is taken, what is refused and how, and what a scan tells of them."""

import hashlib
import json

import pytest

import provenance_credentials as cells
from doctored.checks.credentials import credential_checks
from doctored.checks.registry import CheckSettings
from doctored.checks.trust import UsedTrust, add_list, load_trust, remove_list
from doctored.cli.main import main
from doctored.errors import DoctoredError, UsageError
from doctored.picture import decode
from doctored.scan.pipeline import scan
from provenance import Authority, pem, sign_oneself


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCTORED_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def bundle(tmp_path):
    file = tmp_path / "house.pem"
    file.write_text("# whom we believe\n" + pem(cells.house().certificate), encoding="utf-8")
    return file


def test_there_is_no_list_at_first():
    assert load_trust() == UsedTrust()
    assert load_trust().to_json() is None


def test_a_list_is_kept_with_the_files_digest(bundle, home):
    made = add_list(bundle)
    assert made.name == "house"
    assert made.certificates == 1
    assert made.sha256 == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert load_trust().lists == (made,)
    assert load_trust().to_json() == {"names": ["house"], "sha256": made.sha256, "date": made.date}
    assert [path.name for path in (home / "trust").iterdir()] == ["house.json"]


def test_several_lists_are_one_with_a_digest_of_all(bundle, tmp_path):
    other = tmp_path / "other.pem"
    other.write_text(pem(cells.stranger().certificate) * 2)
    lists = [add_list(bundle), add_list(other, "Another")]
    used = load_trust()
    assert used.to_json()["names"] == ["Another", "house"]
    digests = "\n".join(one.sha256 for one in reversed(lists))
    assert used.to_json()["sha256"] == hashlib.sha256(digests.encode()).hexdigest()
    assert used.pem.count("BEGIN CERTIFICATE") == 2  # each once
    assert lists[1].certificates == 1


def test_an_added_list_is_what_the_check_goes_by(bundle):
    picture = decode(cells.generated_jpeg())
    codes = []
    for change in (lambda: None, lambda: add_list(bundle), lambda: remove_list("house")):
        change()
        (check,) = credential_checks(CheckSettings())
        codes += [one.code for one in check.run(picture)]
    assert codes == [
        "declares_generated_by_stranger",
        "credential_says_generated",
        "declares_generated_by_stranger",
    ]


def test_a_record_names_the_list_that_was_used(bundle, tmp_path):
    picture = tmp_path / "generated.jpg"
    picture.write_bytes(cells.generated_jpeg())
    (before,) = scan(picture, detectors=[], workers=1)
    made = add_list(bundle)
    (after,) = scan(picture, detectors=[], workers=1)
    assert before["trust_list"] is None
    assert before["verdict"] == "unsure"
    assert after["trust_list"] == {"names": ["house"], "sha256": made.sha256, "date": made.date}
    assert (after["verdict"], after["kind"]) == ("fake", "generated")
    assert after["why"] == ["credential_says_generated", "decisive_fake"]


def refused(capsys, *arguments: str) -> str:
    assert main(["trust", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_what_is_no_list_is_refused_in_one_line(tmp_path, bundle, capsys):
    key = tmp_path / "key.pem"
    key.write_text(pem(cells.house().certificate) + "-----BEGIN EC PRIVATE KEY-----\n")
    signer = tmp_path / "signer.pem"
    signer.write_text(pem(cells.insider().certificates[0]))
    oneself = tmp_path / "oneself.pem"
    oneself.write_text(pem(*sign_oneself("Toy\x1b[31m\u202eLoner").certificates))
    noise = tmp_path / "noise.pem"
    noise.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "there is no file" in refused(capsys, "add", str(tmp_path / "none.pem"))
    assert "PEM certificates" in refused(capsys, "add", str(tmp_path))
    assert "not a bundle" in refused(capsys, "add", str(noise))
    assert "private key" in refused(capsys, "add", str(key))
    assert "Toy Camera" in refused(capsys, "add", str(signer))
    told = refused(capsys, "add", str(oneself))
    assert "\x1b" not in told
    assert "\u202e" not in told
    for name in ("", "..", "a/b", "a b", "x" * 65):
        assert "cannot be called" in refused(capsys, "add", str(bundle), "--name", name)
    assert load_trust() == UsedTrust()


def test_a_file_that_is_too_large_is_not_read(tmp_path, capsys):
    large = tmp_path / "large.pem"
    with large.open("wb") as file:
        file.truncate(9 * 2**20)
    assert "over 8 MiB" in refused(capsys, "add", str(large))


def test_the_same_list_is_not_added_twice(bundle, tmp_path, capsys):
    add_list(bundle)
    assert "'house' is this very file" in refused(capsys, "add", str(bundle), "--name", "again")
    other = tmp_path / "HOUSE.pem"
    other.write_text(pem(cells.stranger().certificate))
    assert "there is a list 'house' already" in refused(capsys, "add", str(other))
    assert len(load_trust().lists) == 1


def test_expired_certificates_are_named(tmp_path, capsys):
    file = tmp_path / "old.pem"
    file.write_text(pem(Authority("Toy Has-been", days=-1).certificate, cells.house().certificate))
    assert main(["trust", "add", str(file)]) == 0
    told = capsys.readouterr()
    assert "Toy Has-been" in told.err
    assert "expired" in told.err
    assert "2 certificates" in told.out
    file.write_text(pem(Authority("Toy Has-been", days=-1).certificate))
    assert "every certificate" in refused(capsys, "add", str(file), "--name", "older")


def test_what_a_user_types_and_sees(bundle, capsys):
    assert main(["trust", "list"]) == 0
    assert "doctored trust add FILE" in capsys.readouterr().out
    assert main(["trust", "add", str(bundle)]) == 0
    assert capsys.readouterr().out.startswith("Added 'house': 1 certificate, sha256 ")
    assert main(["trust", "list"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("house\n")
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() in told
    assert "did you mean 'house'" in refused(capsys, "remove", "hose")
    assert main(["trust", "remove", "house"]) == 0
    assert "doctored trust list" in refused(capsys, "remove", "house")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"name": "house"}', b'{"expired": null}', b"\xff"])
def test_a_damaged_list_is_an_error_and_not_a_list_less(bundle, home, damage):
    add_list(bundle)
    (home / "trust" / "house.json").write_bytes(damage)
    with pytest.raises(DoctoredError, match="doctored trust remove house"):
        load_trust()
    remove_list("house")
    assert load_trust() == UsedTrust()


def test_what_was_not_finished_is_not_a_list(bundle, home, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(OSError, match="No space left"):
        add_list(bundle)
    assert list((home / "trust").iterdir()) == []


def test_names_come_from_files(tmp_path):
    file = tmp_path / "Our (new) list.crt.pem"
    file.write_text(pem(cells.house().certificate))
    assert add_list(file).name == "Our-new-list.crt"
    with pytest.raises(UsageError):
        add_list(file, "Our list")
