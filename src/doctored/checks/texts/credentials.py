"""What the check of Content Credentials says. Names and other words of the file stand in quotation marks."""

TEXTS = {
    "credential_says_generated": (
        "Its Content Credential, intact and signed by “{signer}”, who is in the trust list, states that this"
        " picture was made by a generator ({source})."
    ),
    "credential_says_edited_with_ai": (
        "Its Content Credential, intact and signed by “{signer}”, who is in the trust list, states that a"
        " generator made part of this picture ({source})."
    ),
    "credential_says_captured": (
        "Its Content Credential, intact and signed by “{signer}”, who is in the trust list, states that a"
        " camera took this picture and that nothing was edited ({source})."
    ),
    "credential_says_captured:passed_on": (
        "Its Content Credential, intact and signed by “{signer}”, who is in the trust list, passes on that a"
        " camera took this picture and that nothing was edited ({source})."
    ),
    "credential_says_edited": (
        "Its Content Credential, intact and signed by “{signer}”, who is in the trust list, states that a"
        " camera took this picture and names what was done to it since (“{actions}”)."
    ),
    "declares_generated_by_stranger": (
        "Its Content Credential is intact and says that this picture was made by a generator, but"
        " “{signer}”, who signed it, {standing}, so this can be planted."
    ),
    "declares_ai_edit_by_stranger": (
        "Its Content Credential is intact and says that a generator made part of this picture, but"
        " “{signer}”, who signed it, {standing}, so this can be planted."
    ),
    "declares_capture_by_stranger": (
        "Its Content Credential is intact and says that a camera took this picture, but “{signer}”, who"
        " signed it, {standing}, so this can be planted."
    ),
    "credential_intact": (
        "Its Content Credential is intact and signed by “{signer}”, who {standing}; it does not say that the"
        " picture was generated, nor that it is an unedited capture."
    ),
    "credential_intact:source": (
        "Its Content Credential is intact and signed by “{signer}”, who {standing}; it gives the picture's"
        " source as “{source}”, which answers neither way."
    ),
    "credential_intact:ingredient": (
        "Its Content Credential is intact and signed by “{signer}”, who {standing}, but that of a picture it"
        " was made from does not hold and is left aside."
    ),
    "credential_changed_after_signing": (
        "This file was changed after its Content Credential was signed, as many programs and platforms do in"
        " passing on a picture, so what the credential says is not about this file."
    ),
    "credential_changed_after_signing:said": (
        "This file was changed after its Content Credential was signed, as many programs and platforms do in"
        " passing on a picture; what was signed said that {said}."
    ),
    "credential_unreadable": (
        "This file carries a Content Credential that cannot be read or verified ({reason})."
    ),
    "credential_not_checked": (
        "Its Content Credential is not in the file but at “{url}”, and nothing is fetched while checking."
    ),
}

STANDINGS = {
    "in_list": "is in the trust list",
    "not_in_list": "is not in the trust list",
    "no_list": "is a stranger, for no trust list is configured",
    "not_told": "used a certificate that has expired since, and nothing proves that it was in time",
    "revoked": "used a certificate that was revoked",
}

SAID = {
    "generated": "the picture was made by a generator",
    "edited_with_ai": "a generator made part of the picture",
    "captured": "a camera took the picture",
}

LIMITS = {
    "content_credentials": (
        "Tells who signed what, and whether this is still the file that was signed; not whether a statement"
        " is true. A credential is easily removed, and its absence means nothing. Whether a certificate was"
        " revoked is not looked up, for nothing is fetched."
    ),
}
