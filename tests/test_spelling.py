from doctored.spelling import suggest


def test_the_nearest_is_named() -> None:
    assert suggest("carefull", ["platform", "careful"]) == "did you mean 'careful'?"


def test_far_from_all_what_there_is_is_named() -> None:
    assert suggest("qqq", ["platform", "careful"]) == "there are: platform, careful"
    assert suggest("qqq", []) == "there are: none"
    assert suggest("qqq", ["careful"], "see the docs") == "see the docs"
