import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from doctored.errors import UsageError
from doctored.models import Network, build_network
from doctored.training import Recipe
from doctored.training.adversary import attacked_accuracy, in_use, mislead
from small_training import SMALL

LOSS = functional.binary_cross_entropy_with_logits


class Linear(Network):
    """logit = mean over pixels of w · normalised value."""

    def __init__(self) -> None:
        super().__init__(3)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([2.0, -1.0, 0.5]).view(1, 3, 1, 1))

    def features(self, x: Tensor) -> Tensor:
        return x


def test_on_a_linear_network_every_picture_is_moved_the_wrong_way() -> None:
    """The closed form: from a random start a step of 1.25 ε ends between 0.25 ε and ε beyond the picture."""
    torch.manual_seed(0)
    network = Linear()
    x = network.normalise(torch.randint(20, 230, (8, 16, 16, 3), dtype=torch.uint8))
    targets = torch.tensor([0.0, 1.0] * 4)
    change = mislead(network, x, targets, LOSS, 4.0) - x
    reach = 4 / 255 / network.std.view(1, 3, 1, 1)
    away = torch.where(targets == 1, -1.0, 1.0).view(-1, 1, 1, 1) * network.head.weight.sign()
    moved = change * away
    assert (moved <= reach + 1e-6).all()
    assert (moved >= 0.25 * reach - 1e-6).all()
    # a start that is even in the ball ends at the border with probability 5/8
    assert ((moved - reach).abs() < 1e-6).double().mean() == pytest.approx(0.625, abs=0.03)


def test_what_misleads_is_still_a_picture() -> None:
    torch.manual_seed(0)
    network = build_network("compact")
    network.std.copy_(torch.tensor([0.2, 0.25, 0.3]))
    pixels = torch.from_numpy(
        np.random.default_rng(0).choice([0, 1, 254, 255], (4, 16, 16, 3)).astype(np.uint8)
    )
    misled = mislead(network, network.normalise(pixels), torch.ones(4), LOSS, 8.0)
    values = (misled.permute(0, 2, 3, 1) * network.std + network.mean) * 255
    assert values.min() > -1e-3
    assert values.max() < 255 + 1e-3
    assert (values - pixels).abs().max() <= 8 + 1e-3


def test_the_network_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    network = build_network("compact").train()
    network.stages()[0].eval()  # a frozen stage
    modes = [part.training for part in network.modules()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    mislead(network, torch.randn(6, 3, 16, 16), torch.ones(6), LOSS, 4.0)
    assert [part.training for part in network.modules()] == modes
    assert all(weights.grad is None for weights in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    with in_use(network):
        assert not any(part.training for part in network.modules())


def test_a_misled_linear_network_is_wrong_where_the_margin_is_small() -> None:
    torch.manual_seed(0)
    network = Linear()
    with torch.no_grad():
        network.head.bias.zero_()
    pixels = torch.full((4, 8, 8, 3), 128, dtype=torch.uint8)
    labels = torch.tensor([0.0, 1.0, 0.0, 1.0])
    with torch.no_grad():
        network.head.bias -= network(network.normalise(pixels)).logit[0]
    assert attacked_accuracy(network, pixels, labels, 4.0, batch_size=3) == 0.0


def test_an_epoch_tells_what_is_left_under_attack(tmp_path) -> None:
    from accelerate import Accelerator

    from doctored.training.batches import Examples
    from doctored.training.loop import Hooks, Loop
    from doctored.training.precision import Way

    pixels = np.random.default_rng(0).integers(0, 256, (48, 16, 16, 3), dtype=np.uint8)
    labels = np.array([0, 1] * 24, np.uint8)
    rows = np.arange(48)
    examples = Examples(pixels, labels, rows[:32], rows[32:], rows[:0])
    settings = {**vars(SMALL), "size": 16, "crop": 0, "rotate_share": 0.0}
    accelerator = Accelerator(cpu=True)

    def first_epoch(adversarial: float) -> dict[str, float]:
        torch.manual_seed(0)
        recipe = Recipe(**{**settings, "adversarial": adversarial})
        loop = Loop(build_network("compact"), examples, recipe, Way("fp32"), accelerator, Hooks())
        return loop.run_epoch(0)

    plain, hardened = first_epoch(0.0), first_epoch(8.0)
    assert "val_accuracy_attacked" not in plain
    assert 0 <= hardened["val_accuracy_attacked"] <= 1
    assert hardened["train_loss"] > plain["train_loss"]


def test_more_than_a_quarter_of_the_range_is_no_small_change() -> None:
    with pytest.raises(UsageError, match="adversarial is between 0 and 64"):
        Recipe(adversarial=80.0)
