"""The checks of exercise 2."""

import json

from grader.words import Run, catalogue, expect, task

_ = catalogue(__file__)

MEMBERS = {"nomor", "keputusan", "alasan"}


def is_decision(row):
    return isinstance(row, dict) and set(row) == MEMBERS and all(isinstance(value, str) for value in row.values())


@task("report")
def test_report(run: Run, registrants):
    """The program prints exactly one decision for each registrant."""
    report = run.answer()
    expect(
        isinstance(report, list),
        _("The answer is not a JSON list."),
        expected="[…]",
        actual=json.dumps(report)[:80],
    )
    odd = [row for row in report if not is_decision(row)]
    expect(
        not odd,
        _("A decision does not have exactly the three members asked for, each a text."),
        expected=", ".join(sorted(MEMBERS)),
        actual=json.dumps(odd[0])[:120] if odd else "",
    )
    given = sorted(row["nomor"] for row in report)
    wanted = sorted(registrant.number for registrant in registrants)
    missing = sorted(set(wanted) - set(given))
    expect(
        given == wanted,
        _("There is not exactly one decision for each registrant."),
        expected=_("{n} decisions", n=len(wanted)),
        actual=_("{n} decisions; without one: {missing}", n=len(given), missing=", ".join(missing[:5]) or "-"),
    )


def require_right(run, registrants, *troubles):
    """The registrants of these kinds have their right decisions."""
    given = {row["nomor"]: (row["keputusan"], row["alasan"]) for row in run.answer()}
    concerned = [registrant for registrant in registrants if registrant.trouble in troubles]
    wrong = [registrant for registrant in concerned if given[registrant.number] != registrant.right]
    if wrong:
        first = wrong[0]
        expect(
            False,
            _(
                "{wrong} of {all} such registrants got another decision, {number} with NIK {nik} among them.",
                wrong=len(wrong),
                all=len(concerned),
                number=first.number,
                nik=first.form["nik"],
            ),
            expected=", ".join(first.right),
            actual=", ".join(given[first.number]),
            exchange=asked_about(run, first.form["nik"])[:1],
        )


def asked_about(run, nik):
    """The calls to the population service that name this NIK."""
    quoted = json.dumps(nik)
    return [call for call in run.to("population") if quoted in (call.request_body or "") or nik in call.path.split("/")]


@task("malformed", needs=["report"])
def test_malformed(run: Run, registrants):
    """Malformed NIKs are refused, whatever is wrong with them, and others are not all refused with them."""
    require_right(run, registrants, "malformed_nik")
    given = {row["nomor"]: row["alasan"] for row in run.answer()}
    well_formed = [registrant for registrant in registrants if registrant.trouble != "malformed_nik"]
    expect(
        any(given[registrant.number] != "format" for registrant in well_formed),
        _("All {n} well-formed NIKs were refused as malformed, too.", n=len(well_formed)),
        expected=_("only malformed NIKs are refused for their form"),
    )


@task("no_needless_call", needs=["malformed"])
def test_no_needless_call(run: Run, registrants):
    """No malformed NIK is sent to the service."""
    expect(
        any(asked_about(run, registrant.form["nik"]) for registrant in registrants),
        _("No NIK was sent to the service, not even a well-formed one."),
        expected=_("one call for each well-formed NIK"),
    )
    malformed = [registrant for registrant in registrants if registrant.trouble == "malformed_nik"]
    told = [calls[0] for registrant in malformed if (calls := asked_about(run, registrant.form["nik"]))]
    expect(
        not told,
        _("{n} malformed NIKs were sent to the service.", n=len(told)),
        expected=_("no call for a malformed NIK"),
        exchange=told[:1],
    )


@task("registry_errors", needs=["report"])
def test_registry_errors(run: Run, registrants):
    """The register's business errors lead to their decisions, although the answer is HTTP 200."""
    require_right(run, registrants, "unknown_nik", "duplicate_nik", "deceased", "non_active")


@task("names", needs=["report"])
def test_names(run: Run, registrants):
    """A name counts as the register's score says."""
    require_right(run, registrants, "name_minor", "name_major")


@task("elements", needs=["report"])
def test_elements(run: Run, registrants):
    """Differing dates of birth and sexes are found."""
    require_right(run, registrants, "birth_date_mismatch", "sex_mismatch")


@task("accepted", needs=["report"])
def test_accepted(run: Run, registrants):
    """Those who match are accepted, wherever their NIK was issued."""
    require_right(run, registrants, "ok", "moved_domicile")
    matching = [registrant.form["nik"] for registrant in registrants if registrant.right == ("diterima", "sesuai")]
    unasked = [nik for nik in matching if not any(call.status == 200 for call in asked_about(run, nik))]
    expect(
        not unasked,
        _("{n} registrants were accepted although the service was never asked about them.", n=len(unasked)),
        expected=_("one call for each well-formed NIK"),
        actual=_("none for {nik}", nik=unasked[0] if unasked else ""),
    )
