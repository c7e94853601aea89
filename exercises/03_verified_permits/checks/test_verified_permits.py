"""The checks of exercise 3."""

from grader.words import catalogue, expect, task

_ = catalogue(__file__)

QUEUE = "20"
VERIFIED = {"ok", "moved_domicile", "name_minor"}
REGISTRY_ERRORS = {"malformed_nik", "unknown_nik", "deceased", "duplicate_nik", "non_active"}
MISMATCHES = {"name_major", "birth_date_mismatch", "sex_mismatch"}
PATIENCE = 0.9
"""Share of `Retry-After` that counts as having waited: clocks of two programs never agree to the millisecond."""


def about(run, number):
    """The calls that show what became of one application: its decision first, then whatever else was asked of it."""
    decisions = run.to("permits", f"/v1/applications/{number}/decisions")
    return [*decisions[-1:], *run.to("permits", f"/v1/applications/{number}")[-1:]]


def found(row):
    """An application's present status and reason, in words."""
    if row["status"] == QUEUE:
        return _("still in the queue, status 20")
    return _("status {status}, reason {reason}", status=row["status"], reason=row["reason_code"] or "-")


def wanted(row):
    """The right status and reason, in words."""
    right = row["expected"]
    return _("status {status}, reason {reason}", status=right["status"], reason=right["reason_code"])


def is_right(row):
    return (row["status"], row["reason_code"]) == (row["expected"]["status"], row["expected"]["reason_code"])


def require_right(episode, troubles):
    """Every application of these kinds has its right decision."""
    rows = [row for row in episode.applications if row["trouble"] in troubles]
    wrong = [row for row in rows if not is_right(row)]
    if wrong:
        row = wrong[0]
        expect(
            False,
            _(
                "{wrong} of {all} such applications were not decided by the office's rules, {number} among them.",
                wrong=len(wrong),
                all=len(rows),
                number=row["id"],
            ),
            expected=wanted(row),
            actual=found(row),
            exchange=about(episode.run, row["id"]),
        )


def asked_about(run, row):
    """The calls to the population service that name an application's NIK."""
    nik = row["typed"]["nik"]
    return [call for call in run.to("population") if nik in f"{call.path}?{call.query} {call.request_body}"]


@task("works_queue")
def test_works_queue(calm):
    """The program ends by itself and leaves nothing in the queue."""
    calm.run.require_end()
    left = [row["id"] for row in calm.applications if row["status"] == QUEUE]
    refused = [call for call in calm.run.to("permits", "*/decisions") if call.status is not None and call.status >= 400]
    expect(
        not left,
        _("{left} of {all} applications are still in the queue.", left=len(left), all=len(calm.applications)),
        expected=_("no application with status 20"),
        actual=", ".join(left[:5]),
        exchange=refused[:1] or calm.run.to("permits", "/v1/applications")[-1:],
    )


@task("incomplete")
def test_incomplete(calm):
    """Incomplete files are returned, and nobody's data in them went to the population service."""
    rows = [row for row in calm.applications if row["trouble"] == "incomplete_checklist"]
    require_right(calm, {"incomplete_checklist"})
    complete = [row for row in calm.applications if row["trouble"] != "incomplete_checklist"]
    expect(
        any(row["reason_code"] != "documents_incomplete" for row in complete),
        _("All {n} complete files were returned, too.", n=len(complete)),
        expected=_("only incomplete files are returned"),
    )
    for row in rows:
        told = asked_about(calm.run, row)
        expect(
            not told,
            _("The file of application {number} is incomplete, and yet its NIK was sent on.", number=row["id"]),
            expected=_("no call to the population service for it"),
            exchange=told[:1],
        )


@task("verified", needs=["works_queue"])
def test_verified(calm):
    """Applications whose responsible person matches are let through, those who have moved included."""
    require_right(calm, VERIFIED)
    rows = [row for row in calm.applications if row["trouble"] in VERIFIED]
    unasked = [row for row in rows if not any(call.status == 200 for call in asked_about(calm.run, row))]
    expect(
        not unasked,
        _(
            "{n} applications were let through although the population service was never asked about them, {number} "
            "among them.",
            n=len(unasked),
            number=unasked[0]["id"] if unasked else "",
        ),
        expected=_("a call to the population service for each"),
    )


@task("registry_errors", needs=["works_queue"])
def test_registry_errors(calm):
    """Each of the register's five business errors leads to its own decision."""
    require_right(calm, REGISTRY_ERRORS)


@task("mismatches", needs=["works_queue"])
def test_mismatches(calm):
    """Where name, date of birth or sex differ, confirmation is asked for."""
    require_right(calm, MISMATCHES)


@task("second_run", needs=["works_queue"])
def test_second_run(calm, again):
    """Run again, the program changes nothing."""
    again.run.require_end()
    changed = [call for call in again.run.to("permits") if call.committed]
    expect(
        not changed,
        _("Run again, the program changed {n} applications that were already decided.", n=len(changed)),
        expected=_("no change"),
        exchange=changed[:1],
    )
    tried = again.run.to("permits", "*/decisions")
    expect(
        not tried,
        _("Run again, the program tried to decide although the queue was empty."),
        expected=_("no call to /decisions"),
        exchange=tried[:1],
    )


def repeated_too_soon(run):
    """The first call that repeats a 503 before its `Retry-After`, after the call it repeats."""
    for call in run.calls:
        if call.status != 503:
            continue
        again = next((other for other in run.calls if other.started > call.ended and same_request(call, other)), None)
        wait = float(call.response_headers.get("retry-after", "0"))
        if again is not None and again.started - call.ended < wait * PATIENCE:
            return [call, again]
    return []


def same_request(one, other):
    return (one.service, one.method, one.path, one.query, one.request_body) == (
        other.service,
        other.method,
        other.path,
        other.query,
        other.request_body,
    )


@task("resilience", needs=["verified", "registry_errors", "mismatches"])
def test_resilience(calm, stormy, stuck):
    """In spite of a failing service and an expiring token everything is decided as rightly as without."""
    run = stormy.run
    decidable = {row["id"] for row in calm.applications if is_right(row)} - {stuck}
    wrong = [row for row in stormy.applications if row["id"] in decidable and not is_right(row)]
    troubled = [call for call in run.calls if call.fault in {"register_down", "token_dies"}]
    run.require_end()
    if wrong:
        expect(
            False,
            _(
                "While services failed, {wrong} applications were left or decided wrongly, {number} among them.",
                wrong=len(wrong),
                number=wrong[0]["id"],
            ),
            expected=wanted(wrong[0]),
            actual=found(wrong[0]),
            exchange=troubled[:2],
        )
    hasty = repeated_too_soon(run)
    expect(
        not hasty,
        _("A call that was answered 503 was repeated before its Retry-After had passed."),
        expected=_("wait as many seconds as Retry-After says"),
        exchange=hasty,
    )


@task("left_for_later", needs=["works_queue"])
def test_left_for_later(stormy, stuck):
    """What cannot be read is left in the queue, and the program ends well."""
    stormy.run.require_end()
    row = next(row for row in stormy.applications if row["id"] == stuck)
    expect(
        row["status"] == QUEUE and row["decisions"] == 0,
        _("Application {number} could not be read, and yet it was decided.", number=stuck),
        expected=_("still in the queue, status 20"),
        actual=found(row),
        exchange=about(stormy.run, stuck),
    )
    asked = stormy.run.to("permits", f"/v1/applications/{stuck}*", status=503)
    expect(
        len(asked) > 0,
        _("The program never tried to read application {number}.", number=stuck),
        expected=_("at least one call"),
    )
