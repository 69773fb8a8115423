import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from doctored.cli import models
from doctored.cli.commands import load_command
from doctored.errors import MissingExtra
from doctored.models import network_names
from doctored.models.catalogue import pictures_per_second


def run(*arguments: str) -> str:
    done = CliRunner().invoke(load_command("models"), list(arguments))
    if done.exception is not None:
        raise done.exception
    return done.stdout


def lines_of(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line and not line.startswith(" "))


def test_the_table_has_a_line_for_every_network() -> None:
    shown = run()
    lines = {line.split()[0]: line.split() for line in lines_of(shown)}
    assert set(network_names()) < set(lines)
    assert lines["compact"][1:] == ["93,825", "0.4", "MB", "32×32", "4×4"]
    assert lines["resnet18"][-2:] == ["224×224", "7×7"]
    assert "hf/NAME" in shown
    assert "timm/NAME" in shown
    assert "pictures/s" not in shown


def test_json_has_what_the_table_has() -> None:
    rows = {row["name"]: row for row in json.loads(run("--json"))}
    assert set(rows) == {*network_names(), "hf/", "timm/"}
    compact = rows["compact"]
    assert (compact["parameters"], compact["size"], compact["cells"]) == (93_825, 32, [4, 4])
    assert 4 * 93_825 < compact["fp32_bytes"] < 5 * 93_825
    assert all(row["about"] for row in rows.values())


def test_speed_is_measured_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pictures_per_second("compact", 32) > 0
    monkeypatch.setattr("doctored.models.catalogue.pictures_per_second", lambda name, size: float(size))
    assert "pictures/s" in run("--time")
    timed = {row["name"]: row.get("pictures_per_second") for row in json.loads(run("--json", "--time"))}
    assert (timed["compact"], timed["resnet18"], timed["hf/"]) == (32.0, 224.0, None)


def test_without_torch_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "NEEDED", ("a_module_that_nobody_has",))
    with pytest.raises(MissingExtra, match=r"doctored\[train\]"):
        run()
