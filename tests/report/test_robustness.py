from doctored.report.robustness import tell_attacks
from doctored.report.wording import read_figures
from toy_run import reaction

CLEAN = read_figures(reaction(0.97, 0.99))


def attack(name, epsilon, accuracy):
    return {"attack": name, "epsilon": epsilon, "figures": reaction(accuracy, 0.9)}


def test_the_smallest_change_that_breaks_it_is_named():
    rows = [attack("fgsm", 1, 0.8), attack("fgsm", 2, 0.3), attack("pgd", 1, 0.02), attack("pgd", 2, 0.0)]
    assert tell_attacks(rows, CLEAN) == (
        "Whoever knows the weights breaks it: PGD with 1 grey level of 255 takes its accuracy from 97 % to 2 "
        "% (0.0 to 4.0 "
        "%), worse than a coin."
    )


def test_one_that_stands_is_not_called_broken():
    told = tell_attacks([attack("fgsm", 1, 0.9), attack("pgd", 8, 0.6)], CLEAN)
    assert told.startswith(
        "The worst of 2 attacks, PGD with 8 of 255 grey levels, takes its accuracy from 97 % to 60 %"
    )
    assert "breaks" not in tell_attacks([attack("pgd", 1, 0.49)], CLEAN), "half lies in its interval"
