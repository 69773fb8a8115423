"""A policy from its name or file to every record, through the command line and the workers."""

import json

import pytest

from doctored.cli.main import main
from doctored.errors import UsageError
from doctored.scan.output import OutputFile
from doctored.scan.pipeline import scan
from doctored.scan.settings import Settings
from doctored.scan.sinks import Format
from doctored.verdict import load_policy
from toy_pictures import save_many

OWN = """
schema = 1
name = "house"
text = "For tests: whatever a detector doubts is fake."

[[row]]
rule = "doubted"
when = ["undecided"]
label = "fake"
text = "Fake, for it was doubted. {because}"

[[row]]
rule = "rest"
when = []
label = "unsure"
text = "Unsure."
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A policy of one's own, in the folder that is the current one."""
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "own.toml"


@pytest.fixture
def run(capsys, toy):
    def call(*arguments):
        code = main(["scan", "--detector", toy, "--workers", "1", *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_policy_of_ones_own_is_in_every_record(toy, pictures, own):
    digest = load_policy("own.toml").digest
    records = list(scan(pictures, detectors=[toy], policy="own.toml", workers=2))
    assert [record["verdict"] for record in records] == ["unsure", "unsure", "fake", "unsure", "unsure"]
    assert [record["policy"]["rule"] for record in records] == ["rest", "rest", "doubted", "rest", "rest"]
    assert {(record["policy"]["name"], record["policy"]["digest"]) for record in records} == {
        ("house", digest)
    }


def test_a_file_that_changes_meanwhile_changes_nothing(toy, own, tmp_path):
    save_many(tmp_path / "many", 200)
    digest = load_policy("own.toml").digest
    records = scan(tmp_path / "many", detectors=[toy], policy="own.toml", workers=2)
    found = [next(records)]
    own.write_text("not a policy any more", "utf-8")
    found += records
    assert len(found) == 200
    assert {record["policy"]["digest"] for record in found} == {digest}


def test_a_worker_needs_no_file(own):
    settings = Settings().with_policy("own.toml")
    own.unlink()
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))).read_policy().name == "house"


def test_the_default_policy_is_not_read_by_the_parent():
    assert Settings().with_policy("careful") == Settings()
    assert Settings().with_policy("platform").with_policy("careful") == Settings()


def test_resuming_with_another_table_is_refused(own, tmp_path):
    out = tmp_path / "out.jsonl"
    OutputFile(out, Format.JSONL, Settings().with_policy("own.toml").to_json(), resume=False)._stream.close()
    own.write_text("# only a comment\n" + OWN, "utf-8")
    OutputFile(out, Format.JSONL, Settings().with_policy("own.toml").to_json(), resume=True)._stream.close()
    own.write_text(OWN.replace("doubted. ", "doubted! "), "utf-8")
    for policy in ("own.toml", "careful", "platform"):
        with pytest.raises(UsageError, match="other settings"):
            OutputFile(out, Format.JSONL, Settings().with_policy(policy).to_json(), resume=True)


def test_the_command_line_names_the_policy(run, pictures, own):
    for policy, name in (("platform", "platform"), ("own.toml", "house"), (own, "house")):
        code, out, _ = run(pictures / "a-fake.png", "--policy", policy, "--json")
        assert code == 0
        (record,) = json.loads(out)
        assert record["policy"]["name"] == name
        assert record["policy"]["digest"] == load_policy(str(policy)).digest


def test_a_rule_of_ones_own_can_be_looked_for(run, pictures, own):
    assert run(pictures / "c-grey.png", "--policy", "own.toml", "--fail-on", "doubted")[0] == 1
    assert run(pictures / "b-real.png", "--policy", "own.toml", "--fail-on", "doubted")[0] == 0
    code, _, err = run(pictures / "b-real.png", "--policy", "own.toml", "--fail-on", "strong_fake")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("policy", ["platfrom", "none.toml", "broken.toml"])
def test_a_policy_that_cannot_be_used_is_one_line_and_a_2(run, pictures, own, tmp_path, policy):
    (tmp_path / "broken.toml").write_text(OWN.replace("undecided", "undecidde"), "utf-8")
    code, out, err = run(pictures, "--policy", policy)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert policy in err
    with pytest.raises(UsageError):
        list(scan(pictures, policy=policy))
