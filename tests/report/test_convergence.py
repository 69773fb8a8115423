"""The sentences over a training run's charts say what the rows say."""

from doctored.measure.summary import Figure
from doctored.report.artefacts import Epoch
from doctored.report.convergence import tell_convergence, tell_loss, thinned


def epochs(accuracies, losses=None):
    losses = losses or [1 - accuracy for accuracy in accuracies]
    pairs = enumerate(zip(accuracies, losses, strict=True), 1)
    return [Epoch(place, 0.3, loss, accuracy, None) for place, (accuracy, loss) in pairs]


RISING = (
    [0.90, 0.93, 0.95, 0.96, 0.965, 0.968, 0.969, 0.9695, 0.9702]
    + [0.971] * 13
    + [0.9715, 0.972, 0.9725]
    + [0.973] * 7
)


def test_it_names_the_epoch_that_reached_the_last_round_hundredth():
    assert tell_convergence(epochs(RISING), 32) == (
        "It reached 0.97 on validation in epoch 9 of 32; the last ten epochs brought 0.002."
    )


def test_a_gain_that_the_pictures_cannot_show_is_said_to_be_one():
    final = Figure(0.973, 4981, 0.969, 0.977)
    assert tell_convergence(epochs(RISING), 32, final).endswith(
        "brought 0.002, less than the ±0.004 that 4,981 pictures leave open."
    )
    sharp = Figure(0.973, 10**6, 0.9729, 0.9731)
    assert tell_convergence(epochs(RISING), 32, sharp).endswith("brought 0.002.")


def test_a_run_that_brought_nothing_more_or_stopped_says_so():
    flat = [0.9, 0.95] + [0.951] * 10
    told = tell_convergence(epochs(flat), 40)
    assert told == (
        "It reached 0.95 on validation in epoch 2 of 12; the last four epochs brought nothing more. "
        "It stopped before the 40 epochs that were planned."
    )


def test_one_epoch_has_no_course():
    assert (
        tell_convergence(epochs([0.9]), 1)
        == "It trained for one epoch of 1 and stands at 0.900 on validation."
    )
    assert tell_convergence(epochs([0.9, 0.91]), 2) == "It reached 0.91 on validation in epoch 2 of 2."


def test_a_round_best_is_reached_and_not_just_missed():
    assert "reached 0.97 on validation in epoch 3" in tell_convergence(epochs([0.9, 0.95, 0.97, 0.96]), 4)


def test_overfitting_is_told_from_a_flat_end():
    assert tell_loss(epochs([0.9] * 3, [0.3, 0.2, 0.202])) == (
        "Validation loss was lowest in epoch 2 of 3 (0.2000), whose weights are kept, and ended 1 % above "
        "that: "
        "no sign of overfitting."
    )
    assert "learned its training pictures" in tell_loss(epochs([0.9] * 3, [0.3, 0.2, 0.26]))
    assert "more epochs would have brought more" in tell_loss(epochs([0.9] * 3, [0.3, 0.2, 0.1]))
    assert tell_loss(epochs([0.9], [0.3])) == "Validation loss is 0.3000 after its only epoch."


def test_a_long_run_keeps_its_last_epoch_in_the_table():
    kept = thinned(epochs([0.9] * 1000))
    assert len(kept) <= 61
    assert kept[-1].epoch == 1000
