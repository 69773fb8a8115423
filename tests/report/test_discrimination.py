from doctored.measure.summary import Figure, proportion
from doctored.report.discrimination import tell_budget, tell_mistakes, tell_ranking, tell_rarity


def counts(true_fake, false_fake, true_real, false_real):
    return {
        "true_fake": true_fake,
        "false_fake": false_fake,
        "true_real": true_real,
        "false_real": false_real,
    }


def test_the_auc_is_told_in_words_and_the_useful_end_of_the_curve_with_it():
    figures = {
        "roc_auc": Figure(0.9968, 20000, 0.9963, 0.9972),
        "tpr_at_fpr_0.01": Figure(0.929, 10000, 0.924, 0.934),
    }
    assert tell_ranking(figures) == (
        "A random fake scores above a random real picture 99.7 % of the time (AUC 0.9968, 0.9963 to 0.9972); "
        "where 1 % of "
        "the real pictures may be called fake, it finds 92.9 % (92.4 to 93.4 %) of the fakes."
    )


def test_chance_is_called_chance():
    told = tell_ranking({"roc_auc": Figure(0.52, 100, 0.41, 0.63)})
    assert told == (
        "It ranks fakes above real pictures no better than chance does: AUC 0.520, and 0.5 lies in its "
        "interval."
    )


def test_precision_is_carried_to_a_rare_mix():
    # Of a hundred pictures one is fake: 0.9 hits against 0.99 alarms.
    assert tell_rarity(counts(90, 1, 99, 10)) == (
        "50 % of these pictures are fake. Precision depends on that: where one picture in a hundred is fake, "
        "only 47.6 % of "
        "what it calls fake at probability one half would be."
    )
    assert "cannot be told" in tell_rarity(counts(90, 0, 100, 10))
    assert "nothing fake" in tell_rarity(counts(0, 0, 100, 100))
    assert tell_rarity(counts(0, 0, 100, 0)) == "Precision needs real and fake pictures."


def test_one_mistake_is_called_more_frequent_only_beyond_chance():
    assert tell_mistakes(counts(9000, 100, 9900, 1000)).endswith(
        "it misses fakes more often than it accuses real pictures."
    )
    assert tell_mistakes(counts(9900, 1000, 9000, 100)).endswith(
        "it accuses real pictures more often than it misses fakes."
    )
    assert tell_mistakes(counts(97, 4, 96, 3)) == (
        "Of 100 real pictures, 4 called fake (4 %); of 100 fake pictures, 3 called real (3 %): neither "
        "mistake is more "
        "frequent than the other beyond chance."
    )
    assert tell_mistakes(counts(97, 0, 0, 3)) == "Of 100 fake pictures, 3 called real (3 %)."


def outcome(alarms, reals, budget=0.01):
    return {"budget": budget, "real_called_fake": proportion(alarms, reals).to_json()}


def test_a_budget_is_kept_broken_or_open():
    assert "more than the 1 %" in tell_budget(outcome(124, 5000))
    assert "within the 1 %" in tell_budget(outcome(20, 5000))
    assert "cannot settle" in tell_budget(outcome(55, 5000))
    assert "no real pictures" in tell_budget(outcome(0, 0))
