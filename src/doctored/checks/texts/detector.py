"""What detectors say."""

TEXTS = {
    "detector_says_fake": (
        "{detector}, inside its domain, puts this picture past its threshold for fake (probability of fake"
        " {probability:.3f}); of the real pictures that this threshold was set on, at most {bound:.1%} come"
        " that far."
    ),
    "detector_says_real": (
        "{detector}, inside its domain, puts this picture past its threshold for real (probability of fake"
        " {probability:.3f}); of the fake pictures that this threshold was set on, at most {bound:.1%} come"
        " that far."
    ),
    "detector_undecided": (
        "{detector} knows pictures like this one, but puts it between its thresholds"
        " (probability of fake {probability:.3f})."
    ),
    "detector_stable": "{detector} gives the same answer on mild copies of this picture ({copies}).",
    "detector_stable:skipped": (
        "{detector} gives the same answer on mild copies of this picture ({copies}); not tried, because it"
        " would change less than a pixel here: {skipped}."
    ),
    "detector_unstable": (
        "{detector} puts this picture past its threshold for {side} (probability of fake {probability:.3f}),"
        " but not every mild copy of it: {flips}."
    ),
    "copies_not_judged": (
        "{detector} could not judge mild copies of this picture, so that it is not known how stable its"
        " answer is: {reason}."
    ),
    "outside_domain:size": "This picture is {size}; {detector} knows only {known}.",
    "outside_domain:distance": (
        "This picture is unlike those that {detector} was trained on"
        " (distance {distance:.1f}, its limit is {limit:.1f})."
    ),
}

LIMITS = {
    "detector:generated": "Looks for pictures made by a generator; says nothing about edits to a photo.",
    "detector:tampered": "Looks for edits to a photo; says nothing about pictures made as a whole.",
    "detector:either": "Looks for generated and for edited pictures, of the kinds it was trained on.",
}
