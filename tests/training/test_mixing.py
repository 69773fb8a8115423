import pytest
import torch

from doctored.training import Recipe
from doctored.training.mixing import Mix, draw_mix


def draw(seed: int, **settings: float) -> Mix | None:
    return draw_mix(6, Recipe(size=8, **settings), torch.Generator().manual_seed(seed))


def test_cutmix_puts_a_box_of_the_partner_and_the_label_counts_its_pixels() -> None:
    own, partner = torch.zeros(3, 1, 8, 8), torch.ones(3, 1, 8, 8)
    x, targets = torch.cat((own, partner)), torch.tensor([0.0, 0, 0, 1, 1, 1])
    shares = []
    for seed in range(50):
        mix = draw(seed, cutmix=1.0)
        assert mix is not None
        mixed, says = mix.apply(x, targets)
        torch.testing.assert_close(mixed.mean((1, 2, 3)), says)
        shares.append(mix.share)
    assert min(shares) < 0.1
    assert max(shares) > 0.6


def test_mixup_blends_pictures_and_labels_alike() -> None:
    x, targets = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 8, 8), torch.arange(6.0)
    for seed in range(20):
        mix = draw(seed, mixup=1.0)
        assert mix is not None
        assert mix.box is None
        assert 0 <= mix.share <= 0.5
        mixed, says = mix.apply(x, targets)
        torch.testing.assert_close(mixed[:, 0, 0, 0], says)


def test_the_recipe_says_how_many_batches_are_mixed() -> None:
    mixes = [draw(seed, cutmix=0.25, mixup=0.25) for seed in range(400)]
    cut = sum(mix is not None and mix.box is not None for mix in mixes)
    blended = sum(mix is not None and mix.box is None for mix in mixes)
    assert cut == pytest.approx(100, abs=35)
    assert blended == pytest.approx(100, abs=35)
    assert draw(0) is None
