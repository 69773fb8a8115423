"""Where a detector comes from: its card, its data, and how to make it again."""

from collections.abc import Mapping, Sequence
from typing import Any

from doctored.page.chart import strip
from doctored.page.document import badge, facts, fold, insight, paragraphs, table, warning
from doctored.page.markup import Markup, tag
from doctored.records import Label
from doctored.report.artefacts import AUDIT, CARD, DETECTOR, SPLIT, TRAINING, Run
from doctored.report.wording import TITLES, pictures, range_of, read_figures, sentence, share, value_of

TONES = {"broken": "fake", "suspicious": "unsure", "clean": "real"}
ASKS = {
    "generated": "whether a picture was generated",
    "tampered": "whether a picture was tampered with",
    "either": "whether a picture was generated or tampered with",
}
_MOST_RULES = 12


def draw_card(run: Run) -> list[Markup]:
    card = run.json(CARD)
    notes, domain = card["card"], card["domain"]
    about = facts(
        ("detector", f"{card['name']} {card['version']}"),
        ("asks", ASKS.get(card["asks"], card["asks"])),
        ("answers for", domain["text"]),
        ("abstains", f"beyond a distance of {float(domain['distance_limit']):.2f} from its training data"),
        ("network", notes["text"]),
        ("data", notes["data"]),
        ("licence of it", notes["licence"]),
        ("pictures", tell_counts(notes["counts"])),
    )
    figures = read_figures(notes["metrics"])
    rows = [
        [
            _title(name),
            value_of(name.partition(".")[2], figure),
            range_of(name.partition(".")[2], figure),
            f"{figure.n:,}",
        ]
        for name, figure in figures.items()
    ]
    every = table(
        ["figure", "value", "95 % interval", "n"], rows, caption="The card's figures", is_named=True
    )
    return [
        insight(tell_card(card)),
        about,
        tag("h3", "Its limits"),
        paragraphs(sentence(notes["limits"])),
        tag("h3", "Its thresholds"),
        _draw_thresholds(card["thresholds"]),
        fold("The figures on its card", every),
    ]


def tell_counts(counts: Mapping[str, int]) -> str:
    """Counts by split and label (`train.real`), a split after the other."""
    splits: dict[str, list[str]] = {}
    for name, count in counts.items():
        split, _, label = name.partition(".")
        splits.setdefault(split, []).append(f"{int(count):,} {label}".rstrip())
    return "; ".join(f"{split}: {', '.join(told)}" for split, told in splits.items())


def _title(name: str) -> str:
    split, _, figure = name.partition(".")
    kind, found, budget = figure.partition("_at_")
    if found and kind in TITLES:
        return f"{split}: {TITLES[kind]} at the {share(float(budget))} budget"
    return f"{split}: {TITLES.get(figure, figure.replace('_', ' '))}"


def tell_card(card: Mapping[str, Any]) -> str:
    """What is asked, and of which pictures alone the answer may be believed."""
    asks = ASKS.get(card["asks"], str(card["asks"]))
    return f"It tells {asks}, and may be believed for {str(card['domain']['text']).rstrip('.')}."


def _draw_thresholds(thresholds: Mapping[str, Sequence[Mapping[str, Any]]]) -> Markup:
    says = {"fake": ("says fake from", "real called fake"), "real": ("says real up to", "fake called real")}
    rows = [
        [
            f"{says[side][0]} logit {round(float(row['logit']), 3) + 0.0:.3f}",
            f"{share(float(row['budget']))} {says[side][1]}",
            share(float(row["bound"]), 2),
            f"{int(row['n']):,}",
        ]
        for side in says
        for row in thresholds[side]
    ]
    caption = "Bought on validation pictures; the bound holds with 95 % confidence for pictures like those"
    return table(["threshold", "budget", "bound", "n"], rows, caption=caption, is_named=True)


# -------------------------------------------------------------------------------------------------- the data


def draw_data(run: Run) -> list[Markup]:
    parts: list[Markup] = []
    if run.has(AUDIT):
        parts += _draw_audit(run.json(AUDIT))
    if run.has(SPLIT):
        parts += [tag("h3", "What was joined, dropped and drawn"), paragraphs(*tell_split(run.json(SPLIT)))]
    if not run.has(AUDIT):
        parts.append(
            tag(
                "p",
                f"There is no {AUDIT}: 'doctored data audit {run.data}' looks for shortcuts.",
                class_="missing",
            )
        )
    return parts


def _draw_audit(audit: Mapping[str, Any]) -> list[Markup]:
    verdict = audit["verdict"]
    state = str(verdict["state"])
    said = tell_audit(audit)
    reasons = [
        tag(
            "li",
            tag("span", reason["state"], class_=f"mark {TONES[reason['state']]}"),
            f": {sentence(reason['text'])}",
        )
        for reason in verdict["reasons"]
    ]
    rules = [rule for rule in audit["rules"] if rule["score"]]
    rows = [
        [
            str(rule["about"]),
            f"{float(rule['score']['auc']):.3f}",
            strip(
                float(rule["score"]["auc"]),
                float(rule["score"]["low"]),
                float(rule["score"]["high"]),
                domain=(0.4, 1.0),
                tone=TONES[rule["state"]],
            ),
            f"{float(rule['score']['low']):.3f} to {float(rule['score']['high']):.3f}",
        ]
        for rule in rules[:_MOST_RULES]
    ]
    caption = "How well each trivial rule tells the classes apart; 0.5 is chance"
    headers = ["rule", "AUC", "from 0.4 to 1", "interval"]
    return [
        insight(said) if state != "broken" else warning(said),
        tag("p", badge(Label(TONES[state]), state)),
        tag("ul", *reasons) if reasons else Markup(""),
        table(headers, rows, caption=caption, is_named=True) if rows else Markup(""),
        paragraphs(*map(sentence, audit["notes"])),
    ]


def tell_audit(audit: Mapping[str, Any]) -> str:
    """The audit's verdict, with its strongest reason."""
    verdict = audit["verdict"]
    state, reasons = verdict["state"], verdict["reasons"]
    looked = f"{pictures(int(audit['data']['rows']))} were looked at"
    if state == "clean":
        return f"The audit found no shortcut and no leak by its means; {looked}."
    worst = sentence(reasons[0]["text"]) if reasons else ""
    more = f" {len(reasons) - 1} more below." if len(reasons) > 1 else ""
    return f"The audit calls this data {state}; {looked}. {worst}{more}"


def tell_split(split: Mapping[str, Any]) -> list[str]:
    """Splits, what left them, and what was drawn."""
    counts = split["counts"]
    told = [
        "; ".join(
            f"{name}: {', '.join(f'{int(count):,} {label}' for label, count in of_split.items())}"
            for name, of_split in counts.items()
        )
        + "."
    ]
    drawn = split["drawn"]
    if drawn:
        told.append(f"Drawn by seed {int(split['seed'])}, as the data did not say: {', '.join(drawn)}.")
    dropped = {name: int(count) for name, count in split["dropped"].items() if int(count)}
    for name, count in dropped.items():
        told.append(f"{pictures(count)} left out of training: {name.replace('_', ' ')}.")
    if not dropped:
        told.append("No picture was left out of training.")
    return told


# ------------------------------------------------------------------------------------------------- repeating


def draw_repeating(run: Run) -> list[Markup]:
    settings = run.settings
    card = run.json(CARD) if run.has(CARD) else None
    made, chosen = settings["made"], settings["chosen"]
    digest = run.sha256(DETECTOR)
    training = run.json(TRAINING) if run.has(TRAINING) else {}
    parity = training.get("parity")
    arithmetic = ", ".join(f"{name} {value}" for name, value in chosen.items())
    command = str(card["card"]["command"]) if card else f"doctored train {run.data} --out {run.place}"
    about = facts(
        ("commit", tag("code", card["card"]["commit"]) if card else None),
        ("data", f"{settings['data']['name']}, manifest digest {settings['data']['digest']}"),
        ("Doctored", made["doctored"]),
        ("torch", made["torch"]),
        ("arithmetic", arithmetic),
        ("seed", str(settings["recipe"]["seed"])),
        ("detector", tag("code", f"sha256 {digest}") if digest else None),
        (
            "export",
            parity
            and f"torch and onnxruntime differ by at most {float(parity['largest_difference']):.1e} in "
            f"probability on {pictures(int(parity['pictures']))}",
        ),
    )
    rows = [[name, str(value)] for name, value in settings["recipe"].items()]
    recipe = table(["setting", "value"], rows, caption="The recipe", is_named=True)
    return [
        insight(tell_repeating(settings)),
        tag("pre", tag("code", command), tabindex=0, role="group", aria_label="The command of this run"),
        about,
        fold("Every setting of the recipe", recipe),
    ]


def tell_repeating(settings: Mapping[str, Any]) -> str:
    """How near a second run comes, which depends on the arithmetic that was chosen."""
    chosen = settings["chosen"]
    if chosen["precision"] == "fp32" and not chosen["compiled"]:
        return "The same command on the same data, software and machine gives the same bits: eager fp32."
    how = "compiled " if chosen["compiled"] else ""
    return (
        f"The same command on the same data gives nearly the same figures, not the same bits: it was "
        "computed in "
        f"{how}{chosen['precision']}, and its last digits depend on the machine."
    )
