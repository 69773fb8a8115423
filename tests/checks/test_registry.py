import pytest

from doctored.checks import registry
from doctored.checks.registry import CheckSettings, build_checks, check_names, register
from doctored.errors import UsageError


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_makers", {})


def test_checks_are_built_in_the_order_of_registration():
    register("b")(lambda settings: ["b1", "b2"])
    register("a")(lambda settings: [f"a at {settings.budget}"])
    assert check_names() == ["b", "a"]
    assert build_checks(CheckSettings(budget=0.05)) == ["b1", "b2", "a at 0.05"]
    assert build_checks(CheckSettings(), ["a"]) == ["a at 0.01"]


def test_a_name_is_taken_once():
    register("jpeg")(lambda settings: [])
    with pytest.raises(ValueError, match="'jpeg' is registered already"):
        register("jpeg")(lambda settings: [])


def test_an_unknown_name_gets_a_proposal():
    register("metadata")(lambda settings: [])
    with pytest.raises(UsageError, match="did you mean 'metadata'"):
        build_checks(CheckSettings(), ["metdata"])
    with pytest.raises(UsageError, match="there are: metadata"):
        build_checks(CheckSettings(), ["xyz"])


def test_the_decorated_function_stays_itself():
    def make(settings):
        return []

    assert register("x")(make) is make
