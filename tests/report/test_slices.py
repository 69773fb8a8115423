from doctored.measure.summary import Figure, proportion
from doctored.report.slices import tell_duplicates, tell_weakest

WHOLE = Figure(0.95, 10_000, 0.945, 0.955)


def part(value, right, n):
    return {"value": value, "figures": {"accuracy": proportion(right, n).to_json()}}


def test_the_weakest_slice_is_one_that_lies_below_beyond_its_interval():
    slices = {
        "generator": [part("a", 96, 100), part("b", 700, 1000)],
        "size": [part("32×32", 945, 1000), part("1×1", 3, 5)],
    }
    told = tell_weakest(slices, WHOLE)
    assert told.startswith("It is weakest on the generator b: 70 % (")
    assert told.endswith("two of four slices lie below the whole beyond the interval.")


def test_a_slice_that_is_only_small_is_not_accused():
    told = tell_weakest({"generator": [part("a", 5, 6)]}, WHOLE)
    assert told == "Of one slice none lies below the whole, 95 % (94.5 to 95.5 %), beyond its interval."


def test_slices_without_accuracy_are_no_slices():
    assert (
        tell_weakest({"kind": [{"value": "x", "figures": {"accuracy": None}}]}, WHOLE)
        == "No slice has an accuracy of its own."
    )


def test_copies_are_counted_and_what_is_not_known_is_said():
    assert tell_duplicates({"within": 0, "in_training": 0, "note": "", "figures": None}) == [
        "No copies were found, neither among these pictures nor in train and val."
    ]
    assert tell_duplicates({"within": 1, "in_training": 3}) == [
        "1 picture here is a copy of an earlier one.",
        "3 pictures lie in train or val too.",
    ]
    assert (
        tell_duplicates({"within": 2, "in_training": None, "note": "give the whole set"})[1]
        == "Give the whole set."
    )
