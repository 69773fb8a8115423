import hashlib
import json
import tomllib
from importlib import resources
from pathlib import Path

import pytest

import toy_findings as a
from doctored.errors import UsageError
from doctored.records import Label, RecordError
from doctored.verdict import decide, load_policy, not_examined, parse_policy, restore_policy, shipped_policies

SHIPPED = {name: load_policy(name) for name in shipped_policies()}
CAREFUL, PLATFORM = SHIPPED["careful"], SHIPPED["platform"]

SMALL = """
schema = 1
name = "small"
text = "For tests."

[[row]]
rule = "loud"
when = ["strong_fake"]
unless = ["decisive_real"]
label = "fake"
text = "Fake. {because}"

[[row]]
rule = "rest"
when = []
label = "unsure"
text = "Unsure."
"""


def test_a_table_of_ones_own_is_read_and_followed(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(SMALL, "utf-8")
    policy = load_policy(str(path))
    assert decide([a.FAKE_GENERATED], policy).rule == "loud"
    assert decide([a.REAL_OF_BOTH], policy).rule == "rest"
    assert not_examined(RecordError("empty", "it is empty; fetch it"), policy).label is Label.UNSURE


def test_the_digest_is_that_of_the_canonical_json():
    text = (resources.files("doctored.verdict") / "policies" / "careful.toml").read_text("utf-8")
    canonical = json.dumps(tomllib.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert CAREFUL.digest == hashlib.sha256(canonical.encode()).hexdigest()
    commented = parse_policy("# only a comment\n" + text)
    assert commented.digest == CAREFUL.digest
    assert parse_policy(text.replace("Fake. ", "Fake! ")).digest != CAREFUL.digest


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("schema = 1", "schema = 2", "schema 2"),
        ("schema = 1", "schema = 1\nnmae = 'x'", "did you mean 'name'"),
        ("schema = 1", "schema = 1\nzzz = 'x'", "unknown key 'zzz'"),
        ('name = "small"', "", "lacks 'name'"),
        ('name = "small"', "name = 3", "'name' of the table is not a text"),
        ('rule = "loud"', 'rule = "loud"\nlable = "x"', "did you mean 'label'"),
        ('rule = "loud"', "", "row 1 lacks 'rule'"),
        ('rule = "loud"', 'rule = "Very loud"', "snake_case"),
        ('rule = "loud"', 'rule = "rest"', "same rule"),
        ('label = "fake"', 'label = "maybe"', "one of real, fake, unsure"),
        ('when = ["strong_fake"]', 'when = ["strong_fakes"]', "did you mean 'strong_fake'"),
        ('when = ["strong_fake"]', 'when = "strong_fake"', "not a list"),
        ('when = ["strong_fake"]', 'when = ["decisive_real"]', "asks for a fact and against it"),
        ('unless = ["decisive_real"]', 'unless = ["strong_fake"]', "asks for a fact and against it"),
        ('when = ["strong_fake"]\nunless = ["decisive_real"]', "when = []", "rest is never reached"),
        ("when = []", 'when = ["undecided"]', "last row must fit always"),
        ('label = "unsure"', 'label = "real"', "calls a picture real"),
        ('when = ["strong_fake"]\nunless = ["decisive_real"]\nlabel = "fake"',
         'when = ["unexamined"]\nlabel = "real"', "calls a picture real"),
        ("{because}", "{because!r}{0}", "no other brace"),
        ("{because}", "{because", "no other brace"),
        ("[[row]]", "[row]", "not TOML"),
        ("schema = 1", "schema =", "not TOML"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_with_its_reason(old, new, complaint):
    assert old in SMALL
    with pytest.raises(UsageError) as refused:
        parse_policy(SMALL.replace(old, new), origin="own.toml")
    assert complaint in str(refused.value)
    assert "own.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


ROW = """
[[row]]
rule = "{rule}"
when = {when}
unless = {unless}
label = "unsure"
text = "Unsure."
"""


def policy_of(*rows):
    written = "".join(
        ROW.format(rule=f"rule_{number}", when=json.dumps(when), unless=json.dumps(unless))
        for number, (when, unless) in enumerate([*rows, ([], [])])
    )
    return 'schema = 1\nname = "own"\ntext = "Own."\n' + written


@pytest.mark.parametrize(
    ("earlier", "later", "is_reached"),
    [
        ((["strong_fake"], []), (["strong_fake", "undecided"], []), False),
        ((["strong_fake", "undecided"], []), (["strong_fake"], []), True),
        ((["weak_sign"], []), (["declared_fake"], []), False),
        ((["strong_fake"], []), (["decisive_fake"], []), False),
        ((["no_generation", "no_tampering"], []), (["decisive_real"], []), False),
        ((["weak_sign"], ["undecided"]), (["weak_sign"], []), True),
        ((["weak_sign"], []), (["weak_sign"], ["undecided"]), False),
        (([], ["undecided"]), (["weak_sign"], ["undecided", "unstable"]), False),
        (([], ["undecided"]), (["weak_sign"], ["unstable"]), True),
    ],
)
def test_a_row_that_is_never_reached_is_refused(earlier, later, is_reached):
    if is_reached:
        assert len(parse_policy(policy_of(earlier, later)).rows) == 3
    else:
        with pytest.raises(UsageError, match="rule_1 is never reached, for rule_0 always fits"):
            parse_policy(policy_of(earlier, later))


def test_a_row_that_asks_against_what_its_facts_bring_is_refused():
    with pytest.raises(UsageError, match="row 1 asks for a fact and against it"):
        parse_policy(policy_of((["decisive_real"], ["no_generation"])))


def test_rows_must_be_tables():
    with pytest.raises(UsageError, match="row"):
        parse_policy('schema = 1\nname = "x"\ntext = "y"\nrow = [1]')
    with pytest.raises(UsageError, match="row"):
        parse_policy('schema = 1\nname = "x"\ntext = "y"\nrow = []')


def test_an_unknown_policy_gets_a_proposal(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'careful'"):
        load_policy("carefull")
    with pytest.raises(UsageError, match="there are: careful, platform"):
        load_policy("zzz")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("none.toml", None, "cannot be read"),
        ("bytes.toml", b"\xff\xfe", "not UTF-8"),
        ("large.toml", b"#" * (2**20 + 1), "larger than 1 MiB"),
        ("deep.toml", b"a = " + b"[" * 100_000, "not TOML"),
        ("other", b"no policy", "not TOML"),
        ("name.toml", SMALL.replace("small", "s" * 65).encode(), "at most 64 characters"),
        ("name.toml", SMALL.replace("small", "\\u001b[31m").encode(), "one line"),
        ("taken.toml", SMALL.replace("small", "platform").encode(), "give it a name of its own"),
    ],
)
def test_a_file_that_is_no_policy_is_one_clear_line(name, content, complaint, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        load_policy(str(tmp_path / name))
    assert complaint in str(refused.value)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_is_no_policy(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_policy(str(tmp_path))


def test_a_shipped_policy_is_never_a_file_that_lies_about(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("careful").write_text(SMALL, "utf-8")
    assert load_policy("careful") == CAREFUL


def test_a_copy_of_a_shipped_policy_is_that_policy(tmp_path):
    copy = tmp_path / "copy.toml"
    copy.write_bytes((resources.files("doctored.verdict") / "policies" / "platform.toml").read_bytes())
    assert load_policy(str(copy)) == PLATFORM


def test_a_file_that_changed_is_read_again(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(SMALL, "utf-8")
    before = load_policy(str(path))
    path.write_text(SMALL.replace("Fake. ", "Fake! "), "utf-8")
    assert load_policy(str(path)).digest != before.digest


@pytest.mark.parametrize("text", [SMALL, *SHIPPED], ids=["own", *SHIPPED])
def test_a_table_survives_the_way_to_another_process(text):
    policy = SHIPPED.get(text) or parse_policy(text)
    assert restore_policy(policy.table) == policy
    assert hashlib.sha256(policy.table.encode()).hexdigest() == policy.digest
