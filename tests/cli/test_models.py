import json

import pytest

from doctored.cli import models
from doctored.cli.main import main
from doctored.models import network_names
from doctored.models.catalogue import Entry, list_networks, pictures_per_second


@pytest.fixture(scope="module")
def listed() -> list[Entry]:
    return list_networks()


@pytest.fixture(autouse=True)
def _listed_once(listed: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doctored.models.catalogue.list_networks", lambda: listed)
    monkeypatch.setattr("doctored.models.catalogue.pictures_per_second", lambda name, size: float(size))


def test_the_table_has_a_line_for_every_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    head, *rows = shown.split("\n\n")[0].splitlines()
    lines = {row.split()[0]: row.split() for row in rows}
    assert head.split()[0] == "network"
    assert set(lines) == set(network_names())
    assert lines["compact"][1:] == ["93,825", "0.4", "MB", "32×32", "4×4"]
    assert lines["resnet50"][-2:] == ["224×224", "7×7"]
    assert "hf/NAME" in shown
    assert "timm/NAME" in shown
    assert "pictures/s" not in shown


def test_json_has_what_the_table_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {*network_names(), "hf/", "timm/"}
    compact = rows["compact"]
    assert (compact["parameters"], compact["size"], compact["cells"]) == (93_825, 32, [4, 4])
    assert 4 * 93_825 < compact["fp32_bytes"] < 5 * 93_825
    assert all(row["about"] for row in rows.values())
    assert "pictures_per_second" not in compact


def test_speed_is_shown_where_it_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--time"]) == 0
    assert "pictures/s" in capsys.readouterr().out
    assert main(["models", "--time", "--json"]) == 0
    timed = {row["name"]: row.get("pictures_per_second") for row in json.loads(capsys.readouterr().out)}
    assert (timed["compact"], timed["resnet18"], timed["hf/"]) == (32.0, 224.0, None)


def test_speed_is_measured() -> None:
    assert 0 < pictures_per_second("compact", 32) < 1e7


def test_without_torch_it_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "NEEDED", ("a_module_that_nobody_has",))
    assert main(["models"]) == 4
    assert "doctored[train]" in capsys.readouterr().err
