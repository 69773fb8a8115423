import ast
import re
from pathlib import Path

import pytest

from doctored.checks import texts

CHECKS = Path(texts.__file__).parent.parent
DOCS = Path(__file__).resolve().parents[2] / "docs" / "findings.md"


def codes_in_use() -> set[str]:
    """Every code that a check's source names: `code="..."`, or a call of `sentence`, `_say`, `_neutral`."""
    found = set()
    for path in CHECKS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            if name in ("sentence", "_say", "_neutral") and node.args:
                values.append(node.args[0])
            found |= {value.value for value in values if isinstance(value, ast.Constant)}
    return found


def test_every_code_in_use_has_a_sentence():
    assert codes_in_use() >= {"could_not_check", "detector_undecided", "outside_domain"}
    assert codes_in_use() <= texts.codes()


def test_every_code_is_documented():
    documented = set(re.findall(r"`([a-z_]+)[:`]", DOCS.read_text("utf-8")))
    assert texts.codes() <= documented


@pytest.mark.parametrize("key", texts.TEXTS)
def test_a_sentence_is_one_plain_sentence(key):
    text = texts.TEXTS[key]
    assert text.endswith(".")
    assert text[0].isupper() or text[0] == "{"
    assert "\n" not in text
    assert key.partition(":")[0].isidentifier()


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError):
        texts.sentence("could_not_check", check="jpeg")
    with pytest.raises(KeyError):
        texts.sentence("no_such_code")


def test_braces_in_values_stay_as_they_are():
    text = texts.sentence("could_not_check", check="x", reason="{odd} {0}")
    assert "{odd} {0}" in text
