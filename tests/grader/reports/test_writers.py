"""The files made from a run: each valid for its readers, and harmless whatever a learner wrote."""

import base64
import hashlib
import json
import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grader import reports, resultsfile
from grader.exchange import Exchange, read_evidence
from grader.language import use_language
from grader.reports.ctrf import Ctrf
from grader.reports.junit import JUnit
from grader.reports.page import Page
from grader.results import Exercise, Results, TaskResult
from grader.verdicts import Verdict

ROOT = Path(__file__).resolve().parents[3]
CTRF = Draft202012Validator(json.loads((ROOT / "docs/schemas/ctrf-0.0.0.json").read_text()))
KINDS = ("good", "mixed", "failed", "broken", "hostile")
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture(params=KINDS)
def run(request: pytest.FixtureRequest) -> Results:
    found: Results = request.getfixturevalue(request.param)
    return found


def test_all_files_of_a_run_are_written_and_the_evidence_can_be_read_back(
    mixed: Results, exchanges: list[Exchange], tmp_path: Path
) -> None:
    written = reports.write(mixed, exchanges, tmp_path / "03_verified_permits")
    assert sorted(path.name for path in written) == ["ctrf.json", "evidence.json", "junit.xml", "report.html"]
    assert sorted(path.name for path in (tmp_path / "03_verified_permits").iterdir()) == sorted(p.name for p in written)
    assert read_evidence(tmp_path / "03_verified_permits/evidence.json") == exchanges


def test_every_writer_makes_the_same_from_the_file_as_from_the_run(run: Results) -> None:
    """`results.json` is the one source: nothing is in a report that is not in it."""
    back = resultsfile.parse(resultsfile.dump(run))
    again = resultsfile.parse(resultsfile.dump(back))
    for writer in reports.WRITERS:
        assert writer.render(back, []) == writer.render(again, [])


def test_no_file_holds_a_secret_of_the_exchanges(mixed: Results, exchanges: list[Exchange], tmp_path: Path) -> None:
    for path in reports.write(mixed, exchanges, tmp_path):
        assert "abcdefghijklmnop" not in path.read_text()


def test_nothing_that_acts_on_a_screen_reaches_a_file(run: Results, exchanges: list[Exchange]) -> None:
    hostile = [replace(exchanges[0], path="/\x1b[2J\u202e", service="\x9b", fault="\x00<script>")]
    for writer in reports.WRITERS:
        text = writer.render(run, exchanges + hostile)
        assert not INVISIBLE.search(text), writer.filename
        assert len(text) < 400_000
        text.encode("utf-8")


# --- JUnit -----------------------------------------------------------------------------------------------------------

# What the readers of the xunit1 dialect accept: elements, their parents, and the attributes that they must have.
JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "tests", "failures", "errors", "skipped", "time"}, set()),
    "testsuite": ({"testsuites"}, {"name", "tests", "failures", "errors", "skipped", "time"}, {"timestamp"}),
    "properties": ({"testsuite", "testcase"}, set(), set()),
    "property": ({"properties"}, {"name", "value"}, set()),
    "testcase": ({"testsuite"}, {"classname", "name", "time"}, set()),
    "failure": ({"testcase"}, {"message", "type"}, set()),
    "error": ({"testcase"}, {"message", "type"}, set()),
    "skipped": ({"testcase"}, {"message", "type"}, set()),
    "system-out": ({"testsuite"}, set(), set()),
    "system-err": ({"testsuite"}, set(), set()),
}


def junit(results: Results) -> ElementTree.Element:
    return ElementTree.fromstring(JUnit().render(results))  # noqa: S314 - our own output is what is tested


def test_junit_holds_only_what_its_readers_know(run: Results) -> None:
    top = junit(run)
    assert top.tag == "testsuites"
    for parent in top.iter():
        _parents, needed, allowed = JUNIT[parent.tag]
        assert needed <= set(parent.attrib) <= needed | allowed
        for child in parent:
            assert parent.tag in JUNIT[child.tag][0], child.tag


def test_junit_figures_are_those_of_its_cases(run: Results) -> None:
    suite = junit(run).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    for figure, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[figure]) == sum(case.find(tag) is not None for case in cases)
    assert int(suite.attrib["tests"]) == len(cases) > 0
    assert float(suite.attrib["time"]) >= 0


def test_junit_tells_points_and_verdict_of_each_task(mixed: Results) -> None:
    found = []
    for case in junit(mixed).iter("testcase"):
        values = {one.attrib["name"]: one.attrib["value"] for one in case.iter("property")}
        found.append((case.attrib["name"], values["task"], values["points"], values["max_points"], values["verdict"]))
    assert found == [
        ("Task number 1", "task_1", "25", "25", "pass"),
        ("Task number 2", "task_2", "0", "25", "fail"),
        ("Task number 3", "task_3", "0", "25", "skip"),
        ("Task number 4", "task_4", "0", "25", "error"),
    ]


def test_junit_failure_shows_the_cause_and_error_is_another_element(mixed: Results) -> None:
    top = junit(mixed)
    failure, error = top.find(".//failure"), top.find(".//error")
    assert failure is not None
    assert error is not None
    assert failure.attrib == {"message": "The token was fetched 3 times.", "type": "fail"}
    assert "expected: 1\nactual: 3" in (failure.text or "")
    assert "curl -i " in (failure.text or "")
    assert error.attrib["type"] == "error"


def test_broken_run_is_an_error_in_junit_and_never_an_empty_success(broken: Results) -> None:
    suite = junit(broken).find("testsuite")
    assert suite is not None
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("1", "1")
    assert suite.find("testcase/error") is not None


XML_TEXT = st.text(
    st.one_of(st.characters(), st.characters(categories=("Cc", "Cs", "Cn")), st.sampled_from("<>&\"']]>\ufffe"))
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=XML_TEXT)
def test_any_words_make_well_formed_xml_and_html(good: Results, words: str) -> None:
    task = replace(good.tasks[0], verdict=Verdict.FAIL, score=0, output=words, name=words)
    run = replace(good, tasks=(task,), participant=words, exercise=Exercise(1, words))
    junit(run)
    PageReader(Page().render(run))
    assert not list(CTRF.iter_errors(json.loads(Ctrf().render(run))))


# --- CTRF ------------------------------------------------------------------------------------------------------------


def test_ctrf_fits_its_schema(run: Results) -> None:
    report = json.loads(Ctrf().render(run))
    assert [error.message for error in CTRF.iter_errors(report)] == []


def test_ctrf_schema_is_itself_valid_and_refuses_what_is_not_ctrf(good: Results) -> None:
    Draft202012Validator.check_schema(CTRF.schema)
    report = json.loads(Ctrf().render(good))
    report["results"]["tests"][0]["status"] = "error"
    assert not CTRF.is_valid(report)


def test_ctrf_counts_its_tests_and_keeps_our_verdict_beside_its_own(mixed: Results) -> None:
    results = json.loads(Ctrf().render(mixed))["results"]
    summary = results["summary"]
    assert [summary[name] for name in ("tests", "passed", "failed", "skipped", "pending", "other")] == [
        4,
        1,
        1,
        1,
        0,
        1,
    ]
    assert [(test["status"], test["rawStatus"]) for test in results["tests"]] == [
        ("passed", "pass"), ("failed", "fail"), ("skipped", "skip"), ("other", "error"),
    ]  # fmt: skip
    assert (summary["start"], summary["stop"] - summary["start"]) == (1795309200000, 3250)
    assert results["tests"][0]["duration"] == 250


def test_moment_that_is_none_does_not_break_ctrf(good: Results) -> None:
    run = replace(good, started_at="yesterday")
    assert json.loads(Ctrf().render(run))["results"]["summary"]["start"] == 0


# --- the page --------------------------------------------------------------------------------------------------------


class PageReader(HTMLParser):
    """Reads a page strictly: every element closed, none that acts, no attribute that acts."""

    VOID: ClassVar = {"meta"}
    KNOWN: ClassVar = {
        "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article", "div", "p",
        "h1", "h2", "h3", "span", "strong", "progress", "ol", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
        "a", "dl", "dt", "dd", "pre", "code", "figure", "figcaption", "details", "summary",
    }  # fmt: skip

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.style = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN, tag
        assert len({name for name, _ in attrs}) == len(attrs)
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in {"style", "src", "srcdoc", "action", "formaction", "background"}
            assert name != "href" or re.match(r"#task-\d+$|\./", value or ""), value
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.words += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def test_page_is_well_formed_and_has_nothing_that_acts(run: Results, exchanges: list[Exchange]) -> None:
    page = PageReader(Page().render(run, exchanges))
    assert not page.named("script")


def test_page_policy_allows_its_own_style_sheet_by_hash_and_nothing_else(good: Results) -> None:
    text = Page().render(good)
    page = PageReader(text)
    policy = next(meta["content"] for meta in page.named("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert text.index("Content-Security-Policy") < text.index("<title>") < text.index("<style>")
    assert not re.search(r"url\(|@import|expression", page.style)
    assert "http:" not in page.style


def test_hostile_words_are_shown_as_words(hostile: Results, exchanges: list[Exchange]) -> None:
    text = Page().render(hostile, exchanges)
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{7*7}}" in text


def test_page_shows_cause_exchange_curl_hint_and_reading(mixed: Results, exchanges: list[Exchange]) -> None:
    words = PageReader(Page().render(mixed, exchanges)).words
    for piece in (
        "The token was fetched 3 times.", "expected", "found", "503 Service Unavailable", "curl -i ", "make hint-3",
        "README.md#token", "Waits for task 2.", "The finance service did not answer the grader.", "Retry-After: 2",
    ):  # fmt: skip
        assert piece in words


def test_page_shows_what_limits_the_worth_of_the_score(good: Results) -> None:
    limited = replace(good, provisional=True, practice=True, isolation="process")
    words = PageReader(Page().render(limited)).words
    assert "Provisional:" in words
    assert "Practice:" in words
    assert "without full isolation" in words
    decided = PageReader(Page().render(replace(good, provisional=False))).words
    assert "Provisional" not in decided


def test_every_verdict_has_its_own_word_symbol_and_border(mixed: Results) -> None:
    page = PageReader(Page().render(mixed))
    for word in ("✓ PASSED", "✗ NOT YET", "○ WAITING", "▲ LAB ERROR"):
        assert word in re.sub(r"\s+", " ", page.words)
    borders = {
        name: re.search(rf"\.badge\.{name} \{{[^}}]*border-style: (\w+)", page.style)
        for name in ("bad", "quiet", "lab")
    }
    assert len({match and match[1] for match in borders.values()}) == 3


def test_page_draws_the_story_with_an_arrow_to_each_agency(good: Results, exchanges: list[Exchange]) -> None:
    page = PageReader(Page().render(good, exchanges))
    arrows = [attributes["class"] for attributes in page.named("span") if "arrow" in (attributes.get("class") or "")]
    assert arrows == ["arrow to-2", *["arrow to-3"] * 4, "arrow to-4"]
    for words in ("planted by the lab: page-2-down", "waited 3.0 s (asked: 2 s)", "closed, but done"):
        assert words in page.words


def test_run_without_calls_has_no_diagram(good: Results) -> None:
    assert "between the agencies" not in PageReader(Page().render(good, [])).words


def test_more_agencies_than_lanes_are_told_in_figures(good: Results, exchanges: list[Exchange]) -> None:
    many = [replace(exchanges[0], service=f"agency{letter}") for letter in "abcdefghijklm"]
    page = PageReader(Page().render(good, many))
    assert "agencym 1" in page.words
    assert not [one for one in page.named("span") if "arrow" in (one.get("class") or "")]


@pytest.mark.parametrize(("language", "words"), [("id", "Langkah berikutnya"), ("en", "What to do next")])
def test_page_speaks_the_chosen_language_and_says_so(good: Results, language: Any, words: str) -> None:
    use_language(language)
    page = PageReader(Page().render(good))
    assert words in page.words
    assert page.named("html") == [{"lang": language}]


def test_page_has_one_heading_of_the_first_rank_and_names_its_sections(
    mixed: Results, exchanges: list[Exchange]
) -> None:
    page = PageReader(Page().render(mixed, exchanges))
    assert len(page.named("h1")) == 1
    ids = [attributes["id"] for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = [attributes["aria-labelledby"] for _, attributes in page.seen if "aria-labelledby" in attributes]
    assert pointed
    assert set(pointed) <= set(ids)
    targets = {(attributes.get("href") or "")[1:] for attributes in page.named("a")}
    assert targets
    assert targets <= set(ids)
    assert all(attributes.get("scope") for attributes in page.named("th"))
    assert all(attributes.get("aria-label") for attributes in page.named("progress"))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 reckons it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_of_the_page_can_be_read_by_day_and_by_night(good: Results) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text on what it stands on."""
    style = PageReader(Page().render(good)).style
    sets = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{([^}]*)\}", style)[:2]
    ]
    assert len(sets) == 2
    for colours in sets:
        for ink in ("ink", "muted", "good", "bad", "warn", "quiet", "lab"):
            for ground in ("paper", "card", "code"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        for ink in ("brand-ink", "brand-soft"):
            assert contrast(colours[ink], colours["brand"]) >= 4.5, ink


def test_pending_task_looks_like_an_error_everywhere(good: Results) -> None:
    pending = TaskResult.pending(task="task_4", name="Task number 4", number="4", max_score=25)
    run = good.with_task(pending)
    assert junit(run).find(".//error") is not None
    assert json.loads(Ctrf().render(run))["results"]["summary"]["other"] == 1
    assert "LAB ERROR" in PageReader(Page().render(run)).words


def test_no_page_has_a_control_character_even_in_megabytes_of_them(good: Results) -> None:
    noise = "".join(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs"}) * 3
    run = replace(good, participant=noise, tasks=(replace(good.tasks[0], name=noise),))
    for writer in reports.WRITERS:
        assert not INVISIBLE.search(writer.render(run, []))
