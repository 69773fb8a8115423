import toy_run
from doctored.report.provenance import tell_audit, tell_card, tell_repeating, tell_split


def test_the_audit_tells_its_worst_reason_first():
    assert tell_audit(toy_run.audit("broken")) == (
        "The audit calls this data broken; 600 pictures were looked at. Length of the file: not the same for "
        "both classes."
    )
    assert tell_audit(toy_run.audit("clean")) == (
        "The audit found no shortcut and no leak by its means; 600 pictures were looked at."
    )


def test_what_was_dropped_is_counted():
    told = tell_split(toy_run.split())
    assert told[0].startswith("train: 100 fake, 100 real; ")
    assert told[1:] == [
        "Drawn by seed 0, as the data did not say: val.",
        "3 pictures left out of training: equal pixels in test.",
    ]
    assert tell_split({**toy_run.split(), "dropped": {}, "drawn": []})[1:] == [
        "No picture was left out of training."
    ]


def test_the_card_says_of_which_pictures_it_may_be_believed():
    assert tell_card(toy_run.card()) == (
        "It tells whether a picture was generated, and may be believed for pictures of exactly 32×32 pixels, "
        "like those of "
        "CIFAKE."
    )


def test_same_bits_are_promised_for_eager_fp32_only():
    assert "same bits" in tell_repeating({"chosen": {"precision": "fp32", "compiled": False}})
    for chosen in ({"precision": "bf16", "compiled": False}, {"precision": "fp32", "compiled": True}):
        assert "not the same bits" in tell_repeating({"chosen": chosen})
