"""A linear head on a frozen encoder: from a data set to a detector whose map pools to its logit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from doctored.data.pack import Pack
from doctored.detector.card import Card
from doctored.detector.session import Session
from doctored.errors import DoctoredError, TrainingError, UsageError
from doctored.models import build_network
from doctored.training import Recipe, RunResult, byte_weights, frozen, train
from doctored.training.encoders import as_map, features_at, find_layer, open_encoder, open_torch
from doctored.training.features import pooled_features
from doctored.training.loop import Hooks
from doctored.training.onnx_encoder import find_tensor, read_model
from doctored.training.run import load_run

RECIPE = Recipe(network="frozen", val_fraction=0.25, threads=1)
SIDE, PATCH, WIDTH = 48, 8, 6


@pytest.fixture(scope="module")
def onnx_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformer without attention: patches become tokens behind a class token, two residual sums."""
    random = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(random.normal(size=shape).astype(np.float32) / 4, name)

    tokens = (SIDE // PATCH) ** 2
    shapes = [numpy_helper.from_array(np.array([0, WIDTH, tokens]), "flat")]
    nodes = [
        helper.make_node("Conv", ["picture", "patches"], ["grid"], strides=[PATCH, PATCH]),
        helper.make_node("Reshape", ["grid", "flat"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["tokens"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["tokens"], ["class"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["class", "tokens"], ["all"], axis=1),
        helper.make_node("Add", ["all", "positions"], ["start"]),
        *(
            node
            for block, before in (("1", "start"), ("2", "sum1"))
            for node in (
                helper.make_node("MatMul", [before, f"w{block}"], [f"made{block}"]),
                helper.make_node("Tanh", [f"made{block}"], [f"bent{block}"]),
                helper.make_node("Add", [before, f"bent{block}"], [f"sum{block}"]),
            )
        ),
        helper.make_node("ReduceMean", ["sum2"], ["pooled"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["batch", WIDTH])],
        [
            weights("patches", WIDTH, 3, PATCH, PATCH),
            weights("positions", 1, tokens + 1, WIDTH),
            weights("w1", WIDTH, WIDTH),
            weights("w2", WIDTH, WIDTH),
            *shapes,
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path = tmp_path_factory.mktemp("encoders") / "tokens.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DOCTORED_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def check_detector(result: RunResult, pixels: np.ndarray, cells: tuple[int, int]) -> None:
    """The file keeps the contract, and tells what it is."""
    outputs = Session(result.detector.read_bytes()).run(pixels)
    assert outputs.evidence is not None
    assert outputs.evidence.shape == (len(pixels), *cells)
    np.testing.assert_allclose(outputs.evidence.mean((1, 2)), outputs.logit, atol=1e-4)
    card = Card.from_json((result.folder / "model_card.json").read_text())
    assert "frozen encoder" in card.card.text


def predicted_logits(result: RunResult) -> dict[str, float]:
    import pyarrow.parquet as parquet

    return {
        row["id"]: row["logit"]
        for row in parquet.read_table(result.folder / "predictions.parquet").to_pylist()
    }


def test_a_run_on_an_onnx_file_keeps_the_contract(
    onnx_encoder: Path, toy: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_weights, "SMALLEST", 30)
    recipe = replace(RECIPE, encoder=str(onnx_encoder), layer="1", encoder_pixels="half", encoder_int8=True)
    result = train(toy, tmp_path / "run", recipe, device="cpu")
    packed = Pack.open(next((home / "packs").iterdir()))
    check_detector(result, packed.pixels[:20], (6, 6))
    said = Session(result.detector.read_bytes()).run(np.array(packed.pixels)).logit
    for name, logit in predicted_logits(result).items():
        assert said[packed.manifest.column("id").index(name)] == pytest.approx(
            logit, abs=0.05
        )  # float16 features
    held = onnx.load_from_string(result.detector.read_bytes())
    assert not [tensor.name for tensor in held.graph.initializer if "w2" in tensor.name]  # behind the layer
    kinds = {tensor.name: tensor.data_type for tensor in held.graph.initializer}
    assert kinds["encoder/w1/levels"] == kinds["encoder/patches/levels"] == TensorProto.INT8
    assert {"encoder/w1", "encoder/patches"} & set(kinds) == set()
    card = (result.folder / "model_card.json").read_text()
    assert str(onnx_encoder.parent) not in card
    assert "tokens.onnx" in card
    rows = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["l2"] for row in rows] == sorted((row["l2"] for row in rows), reverse=True)
    assert result.history == rows


def test_layers_lie_side_by_side_and_the_distance_is_of_the_last(
    onnx_encoder: Path, toy: Path, tmp_path: Path, home: Path
) -> None:
    alone = [open_encoder(replace(RECIPE, encoder=str(onnx_encoder), layer=layer)) for layer in ("1", "2")]
    both = open_encoder(replace(RECIPE, encoder=str(onnx_encoder), layer="2, 1"))
    x = torch.rand(3, 3, SIDE, SIDE)
    expected = torch.cat([encoder.features(x) for encoder in alone], 1)
    torch.testing.assert_close(both.features(x), expected)
    assert (both.embedding_width(), both.place_width()) == (2 * WIDTH, WIDTH)
    torch.testing.assert_close(both(x).embedding[:, both.place], alone[1](x).embedding)
    result = train(
        toy, tmp_path / "run", replace(RECIPE, encoder=str(onnx_encoder), layer="1,2"), device="cpu"
    )
    packed = Pack.open(next((home / "packs").iterdir()))
    check_detector(result, packed.pixels[:20], (6, 6))
    held = onnx.load_from_string(result.detector.read_bytes())
    shapes = {tensor.name: list(tensor.dims) for tensor in held.graph.initializer}
    assert [WIDTH, WIDTH] in [shape for name, shape in shapes.items() if "whitening" in name]


def test_layers_that_do_not_fit_together_are_refused(onnx_encoder: Path, finished: RunResult) -> None:
    with pytest.raises(UsageError, match="different grids"):
        open_encoder(replace(RECIPE, encoder=str(onnx_encoder), layer="tokens,sum1"))
    with pytest.raises(UsageError, match="from 1 to 2"):
        open_encoder(replace(RECIPE, encoder=str(onnx_encoder), layer="1,3"))
    with pytest.raises(UsageError, match="only an ONNX file"):
        open_encoder(replace(RECIPE, encoder=str(finished.folder), layer="1,2"))


def test_a_run_on_another_run_is_its_features_under_a_new_head(
    finished: RunResult, toy: Path, tmp_path: Path, home: Path
) -> None:
    recipe = replace(RECIPE, encoder=str(finished.folder), layer="2", encoder_int8=True)
    result = train(toy, tmp_path / "run", recipe, device="cpu")
    packed = Pack.open(next((home / "packs").iterdir()))
    pixels = np.array(packed.pixels[:20])
    check_detector(result, pixels, (8, 8))
    assert result.metrics["metrics"]["test.accuracy"]["value"] > 0.7
    body = load_run(finished.folder)
    byte_weights.round_network(body)
    with torch.no_grad():
        expected = body.blocks[:2](body.normalise(torch.from_numpy(pixels))).mean((2, 3))
    said = Session(result.detector.read_bytes()).run(pixels)
    np.testing.assert_allclose(said.embedding, expected, atol=1e-5, rtol=1e-4)
    assert result.detector.stat().st_size < finished.detector.stat().st_size
    held = onnx.load_from_string(result.detector.read_bytes()).graph.initializer
    bytewise = [tensor.name for tensor in held if tensor.data_type == TensorProto.INT8]
    assert [name.endswith("/levels") for name in bytewise] == [True]
    again = load_run(result.folder)
    assert torch.equal(
        again.head.weight, torch.load(result.folder / "checkpoints" / "best.pt")["network"]["head.weight"]
    )


def test_features_are_computed_once_and_an_interruption_loses_none(
    finished: RunResult, toy: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, encoder=str(finished.folder), layer="1")
    network = open_encoder(recipe)
    packed = Pack.open(next((home / "packs").iterdir())) if home.exists() else pack_of(toy, recipe)
    monkeypatch.setattr("doctored.training.features.MOST_AT_ONCE", 50)
    cpu = torch.device("cpu")

    def interrupt(done: int, total: int) -> None:
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pooled_features(network, packed, cpu, interrupt)
    counts: list[int] = []
    features = pooled_features(network, packed, cpu, lambda done, total: counts.append(done))
    assert counts[0] == 100
    with torch.no_grad():
        expected = network(network.normalise(torch.from_numpy(np.array(packed.pixels)))).embedding
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-3)
    again = pooled_features(network, packed, cpu, lambda done, total: pytest.fail("computed twice"))
    assert np.array_equal(features, again)
    assert [path.suffix for path in (packed.path / "features").iterdir()] == [".npy"]


def pack_of(data: Path, recipe: Recipe) -> Pack:
    from doctored.training.material import open_material

    return open_material(data, recipe, Hooks()).packed


def test_a_layer_is_found_by_number_and_by_name(onnx_encoder: Path) -> None:
    compact = build_network("compact")
    assert [find_layer(compact, str(number)) for number in (1, 2, 3)] == ["blocks.0", "blocks.1", "blocks.2"]
    assert find_layer(compact, "blocks.1.2") == "blocks.1.2"
    with pytest.raises(UsageError, match="from 1 to 3"):
        find_layer(compact, "4")
    with pytest.raises(UsageError, match=r"did you mean 'blocks\.1'"):
        find_layer(compact, "block.1")
    model = read_model(onnx_encoder)
    assert [find_tensor(model, layer) for layer in ("1", "2", "grid")] == ["sum1", "sum2", "grid"]
    with pytest.raises(UsageError, match="from 1 to 2"):
        find_tensor(model, "3")
    with pytest.raises(UsageError, match="did you mean 'tokens'"):
        find_tensor(model, "token")
    with pytest.raises(UsageError, match="say which layer"):
        find_tensor(model, "")


def test_tokens_become_the_grid_they_were_cut_from() -> None:
    grid = torch.randn(2, 5, 4, 4)
    tokens = grid.flatten(2).transpose(1, 2)
    for before in (0, 1, 5):
        assert torch.equal(as_map(torch.cat([torch.randn(2, before, 5), tokens], 1)), grid)
    assert as_map(grid) is grid
    with pytest.raises(UsageError, match="no square grid"):
        as_map(torch.randn(1, 24 * 25, 3))
    with pytest.raises(UsageError, match="neither tokens nor a map"):
        as_map(torch.randn(1, 3))


def test_a_vision_transformer_is_read_from_a_middle_layer(tmp_path: Path) -> None:
    """Oracle: the hidden states that transformers itself reports."""
    transformers = pytest.importorskip("transformers", reason="the extra 'train' brings it")
    configuration = transformers.ViTConfig(
        image_size=32,
        patch_size=8,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
    )
    torch.manual_seed(0)
    transformers.ViTModel(configuration).save_pretrained(tmp_path / "vit")
    recipe = replace(RECIPE, encoder=f"hf/{tmp_path / 'vit'}", weights=str(tmp_path / "vit"), layer="3")
    network = open_encoder(recipe)
    x = torch.randn(2, 3, 32, 32)
    body = transformers.ViTModel.from_pretrained(tmp_path / "vit").eval()
    with torch.no_grad():
        hidden = body(x, output_hidden_states=True).hidden_states
        assert network.encode(x).shape == (2, 17, 16)
        torch.testing.assert_close(network.encode(x), hidden[2])
        assert network.features(x).shape == (2, 16, 4, 4)
    layers = body.encoder.layer if hasattr(body, "encoder") else body.layers
    used = [body.embeddings, *layers[:2]]
    unused = body.embeddings.mask_token.numel() if body.embeddings.mask_token is not None else 0
    assert network.weights == sum(p.numel() for part in used for p in part.parameters()) - unused


def test_what_cannot_be_used_is_refused_in_one_line(onnx_encoder: Path, tmp_path: Path) -> None:
    def refuse(**settings: object) -> str:
        with pytest.raises(DoctoredError) as refused:
            open_encoder(replace(RECIPE, **settings))  # type: ignore[arg-type]
        assert "\n" not in str(refused.value)
        return str(refused.value)

    assert "needs an encoder" in refuse()
    assert "no network is called" in refuse(encoder="compcat")
    assert "48 pixels a side" in refuse(encoder=str(onnx_encoder), layer="1", size=64)
    assert "neither tokens nor a map" in refuse(encoder=str(onnx_encoder), layer="pooled")
    (tmp_path / "text.onnx").write_text("no graph")
    assert "is not an ONNX file" in refuse(encoder=str(tmp_path / "text.onnx"))
    assert "No such file" in refuse(encoder=str(tmp_path / "none.onnx"))
    fixed = onnx.load(onnx_encoder)
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(fixed, tmp_path / "fixed.onnx")
    assert "open batch size" in refuse(encoder=str(tmp_path / "fixed.onnx"), layer="1")
    foreign = onnx.load(onnx_encoder)
    foreign.graph.node[0].domain = "com.example"
    foreign.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(foreign, tmp_path / "foreign.onnx")
    assert "'com.example'" in refuse(encoder=str(tmp_path / "foreign.onnx"), layer="1")


def test_an_encoder_that_no_file_can_hold_is_refused_before_anything_is_computed(
    finished: RunResult, toy: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "MAX_FILE_BYTES", 1 << 10)
    monkeypatch.setattr(frozen, "pooled_features", lambda *_: pytest.fail("computed"))
    with pytest.raises(TrainingError, match="take an earlier layer, a smaller"):
        train(toy, tmp_path / "run", replace(RECIPE, encoder=str(finished.folder)), device="cpu")


def test_a_frozen_encoder_does_not_learn_and_stays_in_use_mode(finished: RunResult) -> None:
    network = open_torch(load_run(finished.folder), replace(RECIPE, layer="3")).train()
    assert not any(weight.requires_grad for weight in network.parameters())
    assert not any(module.training for module in network.encoder.modules())
    assert network.weights == sum(p.numel() for p in network.encoder.blocks.parameters())
    x = torch.randn(1, 3, 32, 32)
    assert torch.equal(features_at(network.encoder, "blocks.1", x), network.encoder.blocks[:2](x))
