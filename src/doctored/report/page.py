"""One run as a page: questions in the order in which a reviewer asks them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from doctored.errors import DoctoredError
from doctored.page.document import document, links, section
from doctored.page.markup import Markup, tag
from doctored.report.artefacts import (
    ATTACKS,
    AUDIT,
    CARD,
    CONFIG,
    ERRORS,
    EVALUATION,
    EXPLANATIONS,
    GRADCAM,
    METRICS,
    PREDICTIONS,
    ROBUSTNESS,
    SPLIT,
    TRAINING,
    Absent,
    Run,
    command_for,
)
from doctored.report.calibration import draw_reliability, draw_selective
from doctored.report.convergence import draw_convergence
from doctored.report.discrimination import draw_mistakes, draw_ranking
from doctored.report.explanations import draw_explanations
from doctored.report.headline import draw_headline
from doctored.report.likelihood import draw_likelihood
from doctored.report.mistakes import draw_errors
from doctored.report.paired import draw_paired
from doctored.report.provenance import ASKS, draw_card, draw_data, draw_repeating
from doctored.report.robustness import draw_attacks, draw_robustness
from doctored.report.slices import draw_slices
from doctored.version import __version__

FOOT = (
    f"Made by Doctored {__version__} from the files of the run. This page is complete in itself; it asks "
    "nobody "
    "for anything."
)


class Question(NamedTuple):
    """A section: where it is, its heading, a word for the list of contents, the files any of which is enough,
    and what draws it."""

    place: str
    heading: str
    short: str
    files: tuple[str, ...]
    draw: Callable[[Run], Sequence[Markup]]
    is_optional: bool = False


_SCORED = (EVALUATION, *PREDICTIONS)
QUESTIONS = (
    Question("figures", "How good is it?", "figures", (*_SCORED, TRAINING), draw_headline),
    Question("training", "How quickly did it converge?", "training", (METRICS,), draw_convergence),
    Question("ranking", "How well does it tell fake from real?", "ranking", _SCORED, draw_ranking),
    Question("mistakes", "Which mistakes does it make?", "mistakes", _SCORED, draw_mistakes),
    Question(
        "calibration", "Does a probability mean what it says?", "calibration", _SCORED, draw_reliability
    ),
    Question("abstaining", "What does abstaining buy?", "abstaining", _SCORED, draw_selective),
    Question("evidence", "How strong is its answer as evidence?", "evidence", (EVALUATION,), draw_likelihood),
    Question("slices", "Is it equally good everywhere?", "slices", (EVALUATION,), draw_slices),
    Question(
        "against", "Is it better than the other one?", "against", (EVALUATION,), draw_paired, is_optional=True
    ),
    Question("robustness", "What survives on a picture's way?", "robustness", (ROBUSTNESS,), draw_robustness),
    Question("attacks", "What can an attacker do?", "attacks", (ATTACKS,), draw_attacks),
    Question(
        "explanations",
        "What did the detector look at?",
        "explanations",
        (EXPLANATIONS, GRADCAM),
        draw_explanations,
    ),
    Question("errors", "Where is it most wrong?", "errors", (ERRORS,), draw_errors),
    Question("card", "What is it for, and what not?", "model card", (CARD,), draw_card),
    Question("data", "Can the data be trusted?", "data", (AUDIT, SPLIT), draw_data),
    Question("repeat", "How can this be repeated?", "repeat", (CONFIG,), draw_repeating),
)
# What a file that some other program wrote, or an older Doctored, makes a drawing stumble over.
MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)


class Drawn(NamedTuple):
    """A page and what could not be read for it, one sentence each."""

    page: str
    problems: tuple[str, ...]


def draw_report(run: Run) -> Drawn:
    """The whole page as HTML. A file that is not there, or cannot be read, costs its section alone."""
    problems: list[str] = []
    sections, contents, unanswered = [], [], []
    for question in QUESTIONS:
        if not run.has(*question.files):
            unanswered.append(question)
        elif body := _answer(question, run, problems):
            sections.append(section(question.heading, *body, place=question.place))
            contents.append((question.place, question.short))
    if unanswered:
        sections.append(section("What is not here yet?", _list_missing(run, unanswered), place="missing"))
        contents.append(("missing", "not here yet"))
    title, lead = _name(run, problems)
    whole = document(title, links("On this page", *contents), *sections, lead=lead, foot=FOOT)
    return Drawn(keep_units(whole), tuple(problems))


def keep_units(page: str) -> str:
    """The page with its numbers and per cent signs on one line."""
    return page.replace(" %", "\u00a0%")


def _answer(question: Question, run: Run, problems: list[str]) -> Sequence[Markup]:
    """What stands under a question; nothing where it is not asked of this run."""
    run.at = next(name for name in question.files if run.has(name))
    try:
        return question.draw(run)
    except Absent as absent:
        return [] if question.is_optional else [_say(str(absent))]
    except DoctoredError as error:
        problem = str(error)
    except MISSHAPEN as error:
        problem = f"{run.at} is not as this Doctored writes it ({type(error).__name__}: {error})"
    problem = f"{problem}; {command_for(run, run.at)} makes it again"
    problems.append(problem)
    return [_say(f"{problem}.")]


def _list_missing(run: Run, questions: Sequence[Question]) -> Markup:
    """A line a question: the file that would answer it, and the command that makes the file."""
    return tag(
        "ul",
        *(
            tag("li", tag("b", question.heading), f" {file} is made by ", tag("code", command_for(run, file)))
            for question in questions
            if not question.is_optional
            for file in question.files[:1]
        ),
        class_="missing",
    )


def _say(text: str) -> Markup:
    return tag("p", text, class_="missing")


def _name(run: Run, problems: list[str]) -> tuple[str, str]:
    """The page's title and the sentence below it."""
    fallback = f"The run {run.name}, as its files tell."
    if not run.has(CARD):
        return run.name, fallback
    try:
        card = run.json(CARD)
        asks = ASKS.get(card["asks"], str(card["asks"]))
        return (
            f"{card['name']} {card['version']}",
            f"A detector that tells {asks}, trained on {card['card']['data']}: what it is worth, on what it "
            "rests, and "
            "what it cannot do.",
        )
    except (DoctoredError, *MISSHAPEN):
        return run.name, fallback
