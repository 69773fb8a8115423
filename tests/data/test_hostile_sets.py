import pytest

from doctored.cli.main import main
from doctored.data.inspection import inspect
from doctored.data.pack import pack
from doctored.data.readers import read_dataset
from doctored.picture import Preprocess
from hostile_sets import judge, make_cases, many_members


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return list(make_cases(tmp_path_factory.mktemp("hostile"), 2000))


def test_every_hostile_set_is_answered(cases, capsys):
    wrong = {}
    for case in cases:
        code = main(["data", "check", "--full", "--json", str(case.path)])
        said = capsys.readouterr()
        if problem := judge(case, code, said.out, said.err):
            wrong[case.name] = problem
    assert wrong == {}
    assert len(cases) >= 30


def test_nothing_from_a_name_reaches_the_terminal(cases, capsys):
    shown = [case for case in cases if "names" in case.name]
    assert len(shown) >= 2
    for case in shown:
        main(["data", "check", "--full", str(case.path)])
        said = capsys.readouterr().out
        assert all(character.isprintable() or character == "\n" for character in said)


def test_what_cannot_be_decoded_costs_its_own_row(cases, tmp_path):
    (case,) = (case for case in cases if case.name == "files that are no pictures")
    made = pack(read_dataset(case.path), Preprocess.resize(8), tmp_path / "pack", workers=1)
    assert (len(made.manifest), made.info["broken"]) == (41, 3)


def test_a_large_set_is_looked_into_evenly(tmp_path):
    found = inspect(many_members(tmp_path, 5000).path)
    assert (found.rows, found.looked_into) == (5000, 1000)
    (oddity,) = found.odd
    assert (oddity.code, oddity.count) == ("not_a_picture", 1000)
