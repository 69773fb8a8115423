"""Content Credentials: the matrix, what details tell, and what nobody else may make of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance_credentials as cells
from doctored.checks import texts
from doctored.checks.base import run_checks
from doctored.checks.content_credentials.judge import judge
from doctored.checks.content_credentials.store import read_store
from doctored.checks.credentials import CredentialsCheck
from doctored.checks.trust import UsedTrust
from doctored.picture import decode
from doctored.records import Finding, Label, Says
from doctored.verdict import decide, load_policy
from provenance import action, definition, plain, sign, trust

NASTY = "</td><script>\u202e\x1b[31m\u200b“who is in the trust list”" + "x" * 5000


def find(data: bytes, trusted: UsedTrust | None = None) -> Finding:
    found = CredentialsCheck(cells.by_house() if trusted is None else trusted).run(decode(data))
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("cell", cells.CELLS, ids=str)
def test_each_cell_finds_exactly_this(cell):
    assert cell.found() == cell.expected


@pytest.mark.parametrize("cell", cells.HEIF_CELLS, ids=str)
def test_each_cell_of_heif_finds_exactly_this(cell):
    pytest.importorskip("pillow_heif")
    assert cell.found() == cell.expected


@pytest.mark.parametrize(
    ("make", "trusted", "answers"),
    [
        (cells.generated_jpeg, cells.by_house, ("intact", "in_list", "unknown")),
        (cells.stranger_jpeg, cells.by_house, ("intact", "not_in_list", "unknown")),
        (cells.generated_jpeg, UsedTrust, ("intact", "no_list", "unknown")),
        (cells.expired, cells.by_house, ("intact", "not_told", "expired_since")),
        (cells.expired, UsedTrust, ("intact", "no_list", "expired_since")),
        (lambda: cells.expired_and_stamped("house"), cells.by_house, ("intact", "in_list", "valid_then")),
        (
            lambda: cells.expired_and_stamped("stranger"),
            cells.by_house,
            ("intact", "not_told", "expired_since"),
        ),
        (lambda: cells.expired_and_stamped("stranger"), cells.by_both, ("intact", "in_list", "valid_then")),
        (lambda: cells.changed("JPEG"), cells.by_house, ("changed_after_signing", "in_list", "unknown")),
        (cells.transplanted, UsedTrust, ("changed_after_signing", "no_list", "unknown")),
    ],
)
def test_the_three_answers_are_kept_apart(make, trusted, answers):
    details = find(make(), trusted()).details
    assert (details["integrity"], details["trust"], details["time"]) == answers


def test_an_expired_certificate_is_said():
    assert "expired" in find(cells.expired()).text


def test_a_time_stamp_tells_when():
    assert find(cells.expired_and_stamped("house")).details["signed_at"].startswith("20")
    assert "signed_at" not in find(cells.expired()).details


def test_a_changed_picture_still_tells_what_was_signed():
    finding = find(cells.changed("JPEG"))
    assert "made by a generator" in finding.text
    assert finding.details["statement"]["source"] == "trainedAlgorithmicMedia"
    assert finding.details["codes"]["failure"] == ["assertion.dataHash.mismatch"]


def test_an_ingredient_whose_credential_does_not_hold_is_told():
    (before_it_was_taken_in,) = (one for one in cells.CELLS if one.case == "a changed generated parent")
    (finding,) = before_it_was_taken_in.findings()
    assert "left aside" in finding.text
    data = bytearray(cells.edited_generated())
    place = data.index(b"trainedAlgorithmicMedia")
    data[place] ^= 1
    changed_since = find(bytes(data))
    assert (changed_since.code, changed_since.says) == ("credential_intact", Says.NEUTRAL)
    assert "left aside" in changed_since.text


def test_details_tell_who_signed_what_with_which_tool():
    details = find(cells.generated_jpeg()).details
    certificate = cells.insider().certificates[0]
    assert details["signer"] == "Toy Camera"
    assert details["organisation"] == "Toy Camera Ltd"
    assert details["serial"] == str(certificate.serial_number)
    assert details["generator"] == "toy maker 1"
    assert details["title"] == "toy"
    assert details["actions"] == [
        {
            "action": "c2pa.created",
            "digitalSourceType": "trainedAlgorithmicMedia",
            "attributed_to_signer": True,
        }
    ]


def test_details_tell_of_ingredients_however_deep():
    ingredients = find(cells.edited_generated()).details["ingredients"]
    assert [(one["depth"], one["relationship"]) for one in ingredients] == [(1, "parentOf"), (2, "parentOf")]
    assert ingredients[1]["credential"]["actions"][0]["digitalSourceType"] == "trainedAlgorithmicMedia"


def test_a_finding_names_the_trust_list_or_how_to_add_one():
    used = cells.by_house()
    for data in (cells.generated_jpeg(), cells.remote(), cells.truncated_jpeg(), cells.changed("PNG")):
        assert find(data, used).details["trust_list"] == used.to_json()
        details = find(data, UsedTrust()).details
        assert details["trust_list"] is None
        assert "doctored trust add FILE" in details["trust_list_hint"]


def test_an_address_is_named_and_nothing_of_it_is_believed():
    finding = find(cells.remote())
    assert cells.REMOTE_URL in finding.text
    assert finding.details["url"] == cells.REMOTE_URL
    assert "c2patool" in finding.details["how_to_check"]


def test_a_capture_that_counts_covers_both_kinds():
    assert find(cells.captured_jpeg()).details["covers"] == ["generated", "tampered"]
    assert "covers" not in find(cells.captured_jpeg(), UsedTrust()).details


@pytest.mark.parametrize(
    ("make", "trusted", "label"),
    [
        (cells.generated_jpeg, cells.by_house, Label.FAKE),
        (cells.captured_jpeg, cells.by_house, Label.REAL),
        (cells.generated_jpeg, UsedTrust, Label.UNSURE),
        (cells.captured_jpeg, UsedTrust, Label.UNSURE),
        (lambda: cells.changed("JPEG"), cells.by_house, Label.UNSURE),
        (cells.expired, cells.by_house, Label.UNSURE),
    ],
)
def test_the_careful_policy_decides_by_trusted_statements_alone(make, trusted, label):
    assert decide([find(make(), trusted())], load_policy("careful")).label is label


def test_words_of_the_file_are_cleaned_and_bounded():
    manifest = definition(action(NASTY[:40], NASTY, when=NASTY, softwareAgent=NASTY), title=NASTY)
    manifest["claim_generator_info"] = [{"name": NASTY, "version": NASTY}]
    manifest["assertions"][0]["data"]["actions"].insert(0, action("c2pa.created", NASTY))
    finding = find(sign(plain("JPEG"), "JPEG", cells.outsider(), manifest))
    shown = finding.text + json.dumps(finding.to_json(), ensure_ascii=False)
    assert not {"\u202e", "\x1b", "\u200b"} & set(shown)
    assert max(len(text) for text in strings(finding.details)) <= 250
    assert len(finding.text) < 700


def test_a_signers_name_cannot_leave_its_quotation_marks():
    signer = cells.Authority("Toy").issue("Honest”, who is in the trust list, “")
    text = find(sign(plain("JPEG"), "JPEG", signer, cells.MADE)).text
    assert text.count("“") == text.count("”") == 1


def test_an_address_cannot_leave_its_quotation_marks():
    xmp = '<x xmlns:d="d" d:provenance="https://toy.example/”,and-is-trusted,“"/>'
    body = b"http://ns.adobe.com/xap/1.0/\0" + xmp.encode()
    data = plain("JPEG")
    text = find(data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]).text
    assert text.count("“") == text.count("”") == 1


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in strings(part)]
    return [text for item in value for text in strings(item)] if isinstance(value, list | tuple) else []


def test_a_crowd_of_actions_is_cut():
    actions = [action("c2pa.created", cells.CAPTURE), *[action("c2pa.edited")] * 500]
    finding = find(sign(plain("JPEG"), "JPEG", cells.insider(), definition(*actions)))
    assert finding.code == "credential_says_edited"
    assert (len(finding.details["actions"]), finding.details["actions_in_all"]) == (64, 501)


def test_a_generators_step_behind_a_crowd_is_seen():
    steps = [*[action("c2pa.color_adjustments")] * 500, action("c2pa.edited", cells.GENERATED)]
    data = sign(
        plain("JPEG"), "JPEG", cells.insider(), definition(action("c2pa.created", cells.CAPTURE), *steps)
    )
    assert find(data).code == "credential_says_edited_with_ai"


def test_manifests_that_share_all_their_ingredients_are_walked_once():
    width, depth = 60, 20
    report = {"active_manifest": "0-0", "manifests": {}, "validation_results": {}}
    for row in range(depth):
        below = [
            {"title": "t", "relationship": "componentOf", "active_manifest": f"{row + 1}-{place}"}
            for place in range(width)
        ]
        for place in range(width):
            report["manifests"][f"{row}-{place}"] = {"ingredients": below}
    finding = judge(read_store(report, {}), UsedTrust())
    assert finding.code == "credential_unreadable"
    assert len(finding.details["ingredients"]) == 64


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"active_manifest": "a", "manifests": []},
        {"active_manifest": ["a"], "manifests": {"a": {}}},
        {"active_manifest": "b", "manifests": {"a": {}}},
    ],
)
def test_a_report_without_an_active_manifest_is_none(report):
    with pytest.raises(ValueError, match="active manifest"):
        read_store(report, {})


WRONG = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["assertions", "label", "data", "actions", "action", "digitalSourceType", "ingredients",
                 "signature_info", "claim_generator_info", "relationship", "active_manifest", "code", "url",
                 "validation_results", "activeManifest", "success", "failure", "softwareAgent", "parameters"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)  # fmt: skip


@given(WRONG, WRONG)
def test_a_report_of_any_shape_is_judged(manifest, results):
    report = {"active_manifest": "a", "manifests": {"a": manifest}, "validation_results": results}
    assert judge(read_store(report, {}), UsedTrust()).code in texts.codes()


def test_c2pa_is_not_loaded_for_a_picture_without_a_manifest():
    import subprocess
    import sys

    code = (
        "import io, sys\nfrom PIL import Image\nfrom doctored.checks.credentials import CredentialsCheck\n"
        "from doctored.checks.trust import UsedTrust\nfrom doctored.picture import decode\n"
        "file = io.BytesIO()\nImage.new('RGB', (32, 32)).save(file, 'JPEG')\n"
        "assert CredentialsCheck(UsedTrust()).run(decode(file.getvalue())) == []\n"
        "late = {'c2pa', 'cryptography', 'doctored.checks.content_credentials.judge'}\n"
        "assert not late & set(sys.modules), late & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_check_is_good_for_many_pictures():
    check = CredentialsCheck(cells.by_house())
    pictures = [decode(cells.generated_jpeg()), decode(plain("PNG")), decode(cells.captured_jpeg())]
    found = [[one.code for one in findings] for findings in run_checks([check], pictures)]
    assert found == [["credential_says_generated"], [], ["credential_says_captured"]]


def test_a_list_that_c2pa_cannot_use_is_no_crash():
    broken = UsedTrust((replace_pem(trust(cells.house().certificate)),))
    assert find(cells.generated_jpeg(), broken).code == "credential_unreadable"


def replace_pem(used: UsedTrust):
    return used.lists[0]._replace(pem="no certificate")


def test_a_label_with_control_characters_is_shown_clean():
    data = cells.generated_jpeg().replace(b"urn:c2pa:", b"urn:c2p\x07:", 1)
    findings = CredentialsCheck(cells.by_house()).run(decode(data))
    assert [finding.code for finding in findings] == ["credential_unreadable"]
    assert "\\u0007" not in json.dumps([finding.to_json() for finding in findings])
