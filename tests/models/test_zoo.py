"""The contract that every network of the zoo keeps."""

import pytest
import torch

from doctored.errors import UsageError
from doctored.models import Pool, build_network, count_parameters, network, network_names

SIDES: dict[str, int] = {}  # where a network wants more than 32 pixels a side


@pytest.fixture(params=network_names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pictures(name: str, count: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    side = SIDES.get(name, 32)
    return torch.randint(0, 256, (count, side, side, 3), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("pool", [Pool(), Pool("smoothmax", 0.5)])
def test_logit_is_the_pooling_of_the_map(name: str, pool: Pool) -> None:
    torch.manual_seed(0)
    net = build_network(name, pool=pool).eval()
    evidence = net(net.normalise(pictures(name)))
    cells = evidence.map.double().flatten(1)
    if pool.kind == "mean":
        expected = cells.mean(1)
    else:
        expected = pool.temperature * (cells / pool.temperature).exp().mean(1).log()
    assert evidence.map.ndim == 4
    assert evidence.map.shape[:2] == (5, 1)
    assert evidence.embedding.shape[0] == 5
    assert torch.isfinite(evidence.embedding).all()
    torch.testing.assert_close(evidence.logit.double(), expected, atol=1e-5, rtol=0)


def test_a_picture_is_judged_alone(name: str) -> None:
    torch.manual_seed(0)
    net = build_network(name).eval()
    x = net.normalise(pictures(name))
    together, alone = net(x).logit, torch.cat([net(row[None]).logit for row in x])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


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
    pixels = pictures("compact", 64)
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
    assert 900_000 < count_parameters(build_network("residual")) < 1_000_000
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
