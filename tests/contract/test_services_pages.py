"""What every service answers to anyone: health, version, figures, and its documentation, with no internet."""

import re
from html.parser import HTMLParser
from importlib.metadata import version

import httpx
import pytest
from browser import HOST, visit
from towns import facts_of, readme_of

from services.kit.service import VERSION

INTERFACES = "^# TYPE (\\w+) (counter|gauge|histogram)$"


@pytest.fixture
def front(service, agencies):
    """The service's own address, asked without a token."""
    with httpx.Client(base_url=agencies.addresses[service].url, trust_env=False) as client:
        yield client


class Links(HTMLParser):
    """Whatever a page makes a browser load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        if tag != "a":
            self.found += [value for name, value in attrs if name in {"src", "href", "action", "srcset"} and value]

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_service_says_that_it_lives(service, front, path):
    """Anyone may ask, and learns the service's name."""
    answer = front.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "service": service})


def test_a_service_says_its_version(service, front):
    """The package's own."""
    assert front.get("/version").json() == {"service": service, "version": VERSION}
    assert version("spbe-lab") == VERSION


def test_figures_are_in_the_text_format_and_count(service, town, front):
    """Prometheus reads them; a call is counted under its route, never under the number that it named."""
    target = "/v1/no-such-thing/7679900101900001"
    assert town.ask(service, "GET", target, town.bearer).status == 404
    answer = front.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    kinds = dict(re.findall(INTERFACES, answer.text, re.M))
    assert {"lab_requests_total", "lab_sandboxes", "lab_request_seconds"} <= kinds.keys()
    assert f'service="{service}",status="404"' in answer.text
    assert "7679900101900001" not in answer.text


def test_the_page_and_what_it_loads_are_the_services_own(front):
    """No address in the page, its scripts or its styles leads elsewhere, and each answers."""
    page = front.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    links = Links(page.text)
    assert len(links.found) >= 3
    assert [link for link in links.found if not re.match(r"/[^/]", link)] == []
    assert "//" not in re.sub(r"(?m)^\s*//.*$", "", "".join(links.scripts)), "the page's own script names an address"
    for link in [*links.found, "/openapi.json", "/docs/oauth2-redirect"]:
        assert front.get(link).status_code == 200, link
    for style in (link for link in links.found if link.endswith(".css")):
        loaded = re.findall(r"url\(\s*['\"]?([^)'\"]+)|@import\s+(\S+)", front.get(style).text)
        assert [one for one in loaded if not one[0].startswith(("data:", "#"))] == []


def test_the_document_says_whose_it_is(service, front):
    """Its title is the service's, and its text the README, so that the page is all that a participant needs."""
    told = front.get("/openapi.json").json()["info"]
    assert (told["title"], told["version"]) == (facts_of(service)["title"]["id"], VERSION)
    assert told["description"] == readme_of(service)


def test_a_browser_shows_every_operation_and_asks_nobody_else(service, agencies, front, browser, tmp_path):
    """With every other name leading nowhere, the page is complete, and it asked for nothing but the service's own."""
    document = front.get("/openapi.json").json()
    summaries = [operation["summary"] for methods in document["paths"].values() for operation in methods.values()]
    address = agencies.addresses[service].url
    seen = visit(browser, f"{address}/docs", tmp_path)
    own = f"http://{HOST}:{address.rpartition(':')[2]}"
    assert [url for url in seen.asked if not url.startswith(f"{own}/")] == []
    assert {f"{own}/docs", f"{own}/openapi.json"} <= set(seen.asked)
    shown = re.findall(r'class="opblock-summary-path" data-path="([^"]+)"', seen.html)
    assert sorted(shown) == sorted(path for path, methods in document["paths"].items() for _ in methods)
    assert seen.html.count("opblock-summary-description") == len(summaries)
