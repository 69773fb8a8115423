"""The contract that every network of the zoo keeps; `tests/zoo.py` says of what size, and measures."""

import numpy as np
import pytest
import torch

import zoo
from doctored.errors import UsageError
from doctored.models import Evidence, Network, Pool, build_network, count_parameters, network
from doctored.models.base import registered_networks
from doctored.models.catalogue import list_networks
from doctored.models.texture import WIDTH, texture

FAMILIES = [*zoo.own_families(), *(f"hf/{kind}" for kind in zoo.KINDS)]
# One returns a grid, one tokens, one needs a norm of ours; benchmarks/zoo_contract.py exports all.
EXPORTED = ["resnet18", "vit", "hf/convnext"]
SMOOTHMAX = Pool("smoothmax", 0.5)


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, zoo.Family]:
    return zoo.own_families() | zoo.transformers_families(tmp_path_factory.mktemp("architectures"))


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest, families: dict[str, zoo.Family]) -> zoo.Family:
    return families[str(request.param)]


def test_every_network_belongs_to_a_family_that_is_tested() -> None:
    told = {found.module.rpartition(".") for found in registered_networks().values()}
    assert {name for room, _, name in told if room == "doctored.models"} == {  # tests register others
        "compact",
        "efficientnet_lite",
        "residual",
        "resnet",
        "timm_backbone",  # tests/models/test_timm_backbone.py
        "transformers_backbone",
        "vgg",
        "vit",
    }


@pytest.mark.parametrize("pool", [Pool(), SMOOTHMAX])
def test_logit_is_the_pooling_of_the_map(family: zoo.Family, pool: Pool) -> None:
    net, pixels = zoo.make(family, pool), zoo.pictures(family.side)
    evidence = net(net.normalise(pixels))
    assert evidence.map.ndim == 4
    assert evidence.map.shape[:2] == (len(pixels), 1)
    assert evidence.map[0].numel() > 1
    assert evidence.embedding.shape == (len(pixels), net.embedding_width())
    assert torch.isfinite(evidence.embedding).all()
    assert zoo.pooling_deviation(net, pixels) <= 1e-5


def test_a_picture_is_judged_alone(family: zoo.Family) -> None:
    assert zoo.company_deviation(zoo.make(family), zoo.pictures(family.side)) <= 1e-5


def test_the_map_is_grad_cam(family: zoo.Family) -> None:
    assert zoo.grad_cam_deviation(zoo.make(family), zoo.pictures(family.side)) <= 1e-4


def test_each_cell_lies_over_its_pixels(family: zoo.Family) -> None:
    assert zoo.misplaced_changes(zoo.make(family), 128) == []


def test_one_training_step_lowers_the_loss(family: zoo.Family) -> None:
    net, pixels = zoo.make(family), zoo.pictures(family.side)
    assert zoo.unused_weights(net, pixels) == []
    before, after = zoo.losses_of_a_step(net, pixels)
    assert after < before


def test_stages_are_the_whole_body(family: zoo.Family) -> None:
    net = zoo.make(family)
    stages = net.stages()
    assert len(stages) > 2
    counted = sum(count_parameters(stage) for stage in stages) + count_parameters(net.head)
    assert counted == count_parameters(net)


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_file_agrees_with_torch(name: str, families: dict[str, zoo.Family]) -> None:
    family = families[name]
    assert zoo.export_deviation(zoo.make(family, SMOOTHMAX), family.side) <= 1e-4


def test_dropout_drops_nothing_once_trained(family: zoo.Family) -> None:
    net = zoo.make(family, dropout=0.9)
    assert net.dropout.p == 0.9
    x = net.normalise(zoo.pictures(family.side))
    torch.testing.assert_close(net(x).logit, zoo.make(family)(x).logit, rtol=1e-3, atol=1e-3)


# Bodies without a classifier, as torchvision, timm and the publications count them.
PARAMETERS = {
    "resnet18": 11_176_512,
    "resnet50": 23_508_032,
    "vgg19": 20_024_384,
    "vit-s16": 21_665_664,
    "vit-b16": 85_798_656,
    "efficientnet-lite0": 3_371_008,
    "efficientnet-lite1": 4_135_680,
    "efficientnet-lite2": 4_811_072,
}
CELLS = {"compact": (4, 4), "residual": (8, 8), "resnet18": (7, 7), "vgg19": (14, 14), "vit-b16": (14, 14)}


def test_published_networks_have_their_published_sizes() -> None:
    listed = {entry.name: entry for entry in list_networks()}
    assert set(listed) == set(registered_networks())
    heads = {name: build_head(name) for name in PARAMETERS}
    counted = {name: (listed[name].parameters or 0) - heads[name] for name in PARAMETERS}
    assert counted == PARAMETERS
    assert {name: listed[name].cells for name in CELLS} == CELLS


def build_head(name: str) -> int:
    with torch.device("meta"):
        return count_parameters(build_network(name).head)


def test_dropout_on_channels_is_dropout_on_the_pooled_vector() -> None:
    """The classic network pools, drops and applies a linear layer; ours drops, maps and pools."""
    torch.manual_seed(0)
    net = build_network("compact", dropout=0.5).train()
    features = torch.randn(4, 128, 4, 4)
    torch.manual_seed(1)
    ours = net.head(net.dropout(features)).mean((1, 2, 3))
    torch.manual_seed(1)
    kept = net.dropout(torch.ones(4, 128, 1, 1)).flatten(1)
    classic = (features.mean((2, 3)) * kept) @ net.head.weight.flatten(1).T + net.head.bias
    torch.testing.assert_close(ours, classic.squeeze(1), atol=1e-5, rtol=1e-5)


def test_normalise_gives_mean_0_and_deviation_1() -> None:
    net = build_network("compact")
    pixels = zoo.pictures(32, 64)
    values = pixels.double() / 255
    net.mean.copy_(values.mean((0, 1, 2)))
    net.std.copy_(values.std((0, 1, 2)))
    x = net.normalise(pixels)
    assert x.shape == (64, 3, 32, 32)
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(x.std((0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)


def test_compact_is_the_published_network() -> None:
    assert count_parameters(build_network("compact")) == 896 + 18_496 + 73_856 + 2 * (32 + 64 + 128) + 129


def test_our_own_networks_are_as_small_as_they_say() -> None:
    assert 800_000 < count_parameters(build_network("residual")) < 1_000_000
    assert 80_000 < count_parameters(build_network("residual-small")) < 95_000


@pytest.mark.parametrize("slope", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("pool", [Pool(), Pool("smoothmax", 0.7)])
def test_pooling_stays_exact_under_affine_calibration(pool: Pool, slope: float) -> None:
    cells = torch.randn(6, 1, 4, 4, dtype=torch.float64)
    calibrated = pool.scaled(slope)(cells * slope - 0.4)
    torch.testing.assert_close(calibrated, pool(cells) * slope - 0.4)


def test_smoothmax_survives_large_evidence() -> None:
    assert torch.isfinite(Pool("smoothmax", 0.1)(torch.full((1, 1, 2, 2), 1e4))).all()


def test_unknown_network_proposes_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'compact'"):
        build_network("compcat")


def test_two_networks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two networks"):
        network("compact")(build_network)


@pytest.mark.parametrize(("kind", "temperature"), [("max", 1.0), ("smoothmax", 0.0)])
def test_pool_refuses_nonsense(kind: str, temperature: float) -> None:
    with pytest.raises(UsageError):
        Pool(kind, temperature)


def test_the_measures_find_what_breaks_the_contract() -> None:
    class Wrong(Network):
        """Its map is upside down and bent, its logit the largest cell, and its batch one company."""

        def __init__(self, *, pool: Pool | None = None) -> None:
            super().__init__(8, pool=pool)
            self.layer = torch.nn.Conv2d(3, 8, 4, 4)

        def features(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x).relu().flip(2)

        def forward(self, x: torch.Tensor) -> Evidence:
            evidence = super().forward(x - x.mean(0))
            bent = evidence.map.mul(5).tanh()
            return evidence._replace(map=bent, logit=bent.amax((1, 2, 3)))

    net, pixels = zoo.make(zoo.Family(Wrong)), zoo.pictures(48)
    assert zoo.pooling_deviation(net, pixels) > 1e-3
    assert zoo.company_deviation(net, pixels) > 1e-3
    assert zoo.grad_cam_deviation(net, pixels) > 1e-3
    assert zoo.misplaced_changes(net, 48) == ["column 0", "column 1"]


def test_residual_embeds_cells_first_convolution_and_texture() -> None:
    torch.manual_seed(0)
    net = build_network("residual-small").eval()
    pixels = zoo.pictures(32)
    x = net.normalise(pixels)
    with torch.no_grad():
        cells, first = (of.double().flatten(2).numpy() for of in (net.features(x), net.layers[:2](x)))
        embedding = net(x).embedding.numpy()
        expected = np.concatenate([cells.mean(2), cells.std(2)], 1)
        np.testing.assert_allclose(embedding[:, : net.place.start], expected, atol=1e-5)
        place = embedding[:, net.place]
        expected = np.concatenate([first.mean(2), np.log(first.std(2) + 0.03)], 1)
        np.testing.assert_allclose(place[:, :-WIDTH], expected, atol=1e-4)
        pixels = pixels.permute(0, 3, 1, 2).double()
        np.testing.assert_allclose(place[:, -WIDTH:], texture(pixels), atol=1e-3)
        assert embedding.shape[1] == net.embedding_width()
        assert place.shape[1] == net.place_width()
        assert net.train()(x).embedding.shape == (len(pixels), 48)  # nothing is measured while it learns


@pytest.mark.parametrize("pool", [Pool(), SMOOTHMAX])
def test_a_symmetric_network_says_the_same_of_a_mirror_image(pool: Pool) -> None:
    torch.manual_seed(0)
    net = build_network("residual-small", pool=pool, symmetric=True).eval()
    pixels = zoo.pictures(32)
    x = net.normalise(pixels)
    one_sided = net.look(x)
    seen, mirrored = net(x), net(x.flip(3))
    torch.testing.assert_close(mirrored.logit, seen.logit)
    torch.testing.assert_close(mirrored.map, seen.map.flip(3))
    torch.testing.assert_close(mirrored.embedding, seen.embedding)
    assert (seen.map - one_sided.map).abs().max() > 1e-4
    assert zoo.pooling_deviation(net, pixels) <= 1e-5
    assert zoo.export_deviation(net, 32) <= 1e-4


def test_a_symmetric_network_s_map_is_grad_cam_of_both_sides() -> None:
    torch.manual_seed(0)
    net = build_network("residual-small", symmetric=True).eval()
    assert zoo.grad_cam_deviation(net, zoo.pictures(32)) <= 1e-4


def test_a_symmetric_network_learns_from_one_side_at_a_time() -> None:
    torch.manual_seed(0)
    net = build_network("residual-small", symmetric=True).train()
    x = net.normalise(zoo.pictures(32))
    torch.testing.assert_close(net(x).logit, net.look(x).logit)
