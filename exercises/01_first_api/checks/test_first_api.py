"""The checks of exercise 1."""

from urllib.parse import parse_qs

from grader.words import Run, catalogue, expect, task

_ = catalogue(__file__)

MEMBERS = {"jumlah", "penduduk", "ditemukan", "tidak_ditemukan"}
MOST_ROWS = 50


def is_list_of_texts(value):
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


@task("token")
def test_token(calm: Run):
    """The program gets an access token."""
    refused = calm.to("identity", "/oauth2/token")
    expect(
        bool(calm.tokens),
        _("The program did not get an access token."),
        expected=_("POST /oauth2/token answered 200"),
        actual=_("{n} attempts, none of them answered 200", n=len(refused))
        if refused
        else _("no call with your CLIENT_ID and CLIENT_SECRET, sent as a form"),
        exchange=refused[-1:],
    )


@task("report", needs=["token"])
def test_report(calm: Run):
    """The program prints a report of the form asked for."""
    report = calm.answer()
    expect(isinstance(report, dict), _("The report is not a JSON object."), expected="{…}", actual=str(report)[:80])
    expect(
        set(report) == MEMBERS,
        _("The report does not have exactly the four members asked for."),
        expected=", ".join(sorted(MEMBERS)),
        actual=", ".join(sorted(report)) or _("none"),
    )
    expect(
        type(report["jumlah"]) is int,
        _("The member {name} does not have the type asked for.", name="jumlah"),
        expected=_("a whole number"),
    )
    for name in ("penduduk", "tidak_ditemukan"):
        expect(
            is_list_of_texts(report[name]),
            _("The member {name} does not have the type asked for.", name=name),
            expected=_("a list of texts"),
        )
    expect(
        isinstance(report["ditemukan"], dict) and is_list_of_texts(list(report["ditemukan"].values())),
        _("The member {name} does not have the type asked for.", name="ditemukan"),
        expected=_("an object from NIK to name"),
    )


def require_all_residents(run: Run, question):
    report = run.answer()
    pages = run.to("population", "/v1/residents", method="GET", status=200)
    greedy = [call for call in pages if max(map(float, parse_qs(call.query).get("limit", ["100"]))) > MOST_ROWS]
    expect(
        not greedy,
        _("A call asked for more than {most} rows at once.", most=MOST_ROWS),
        expected=f"limit={MOST_ROWS}",
        exchange=greedy[:1],
    )
    given = set(report["penduduk"])
    expect(
        given == question.ids and len(report["penduduk"]) == len(question.ids),
        _("The list of residents of district {district} is not complete and exact.", district=question.district),
        expected=_("{n} residents, each once", n=len(question.ids)),
        actual=_(
            "{n} rows: {missing} missing, {foreign} that do not belong there",
            n=len(report["penduduk"]),
            missing=len(question.ids - given),
            foreign=len(given - question.ids),
        ),
        exchange=pages[-1:],
    )
    expect(
        report["jumlah"] == len(question.ids),
        _("The number of residents is not right."),
        expected=str(len(question.ids)),
        actual=str(report["jumlah"]),
    )


@task("read_all", needs=["report"])
def test_read_all(calm: Run, question):
    """Every resident of the district is in the report."""
    require_all_residents(calm, question)


@task("look_up", needs=["report"])
def test_look_up(calm: Run, question):
    """The names of those who exist are in the report."""
    found = calm.answer()["ditemukan"]
    for nik, name in sorted(question.names.items()):
        calls = calm.to("population", f"/v1/residents/{nik}")
        expect(
            nik in found, _("NIK {nik} exists but is not in ditemukan.", nik=nik), expected=name, exchange=calls[-1:]
        )
        expect(
            found[nik] == name,
            _("The name that belongs to NIK {nik} is another one.", nik=nik),
            expected=name,
            actual=found[nik],
            exchange=calls[-1:],
        )
    foreign = sorted(set(found) - set(question.names))
    expect(
        not foreign,
        _("In ditemukan there is a NIK that does not exist: {nik}.", nik=foreign[0] if foreign else ""),
        exchange=calm.to("population", f"/v1/residents/{foreign[0]}")[-1:] if foreign else (),
    )


@task("not_found", needs=["report"])
def test_not_found(calm: Run, question):
    """NIKs that do not exist are noted."""
    missing = calm.answer()["tidak_ditemukan"]
    expect(
        sorted(missing) == sorted(question.unknown),
        _("The NIKs in tidak_ditemukan are not those that the service answered 404 for."),
        expected=", ".join(sorted(question.unknown)),
        actual=", ".join(sorted(missing)) or _("none"),
        exchange=[call for nik in question.unknown for call in calm.to("population", f"/v1/residents/{nik}")][:1],
    )


@task("token_once", needs=["read_all", "look_up"])
def test_token_once(calm: Run):
    """One token serves all calls."""
    expect(
        len(calm.tokens) == 1,
        _("The program asked for {n} tokens, although none had expired.", n=len(calm.tokens)),
        expected="1",
        actual=str(len(calm.tokens)),
        exchange=calm.tokens[1:2],
    )


@task("expired_token", needs=["read_all"])
def test_expired_token(expiring: Run, question):
    """The report is complete although the token died half-way."""
    refused = expiring.to("population", status=401)
    expect(
        len(expiring.tokens) > 1,
        _("The service refused the token with 401, and the program did not get a new one."),
        expected=_("a new token, then the same call again"),
        exchange=refused[:1],
    )
    require_all_residents(expiring, question)
    report = expiring.answer()
    expect(
        report["ditemukan"] == question.names and sorted(report["tidak_ditemukan"]) == sorted(question.unknown),
        _("After the token had expired, the names looked up were no longer all right."),
        expected=_("the same report as without an expired token"),
        exchange=refused[:1],
    )
