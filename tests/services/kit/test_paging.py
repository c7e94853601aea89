"""Paging in both styles: walking the pages gives exactly the rows, once each, in order."""

import base64
import json
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample.app import LETTERS, TOPICS
from sample.lab import InProcess

from services.kit.paging import cursor_after, cursor_page, key_of, spring_offset, spring_page
from services.kit.problems import Problem

keys = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
filter_values = st.none() | st.text(st.characters(codec="utf-8"), max_size=8) | st.integers() | st.booleans()
all_filters = st.dictionaries(st.sampled_from(["region", "status", "name"]), filter_values)


def next_link(answer: httpx.Response) -> str | None:
    link = answer.headers.get("link")
    if link is None:
        return None
    match = re.fullmatch(r'<([^>]+)>; rel="next"', link)
    assert match, link
    return match[1]


@given(st.sets(keys, max_size=40), st.integers(1, 50), all_filters)
def test_walking_the_cursors_gives_exactly_the_rows(names: set[str], limit: int, filters: dict[str, object]) -> None:
    rows = [{"id": name} for name in sorted(names)]
    seen: list[str] = []
    cursor: str | None = None
    for _turn in range(len(rows) + 1):
        after = key_of(cursor, filters)
        found = [row for row in rows if row["id"] > after][: limit + 1]
        page = cursor_page(found, limit=limit, key="id", path="/v1/x", filters=filters)
        seen += [row["id"] for row in page.body["data"]]
        cursor = page.body["meta"]["cursor"]
        assert page.body["meta"] == {"limit": limit, "has_more": cursor is not None, "cursor": cursor}
        assert ("link" in page.headers) == (cursor is not None)
        if cursor is None:
            break
        target = parse_qs(urlsplit(page.headers["link"].split(">")[0][1:]).query, keep_blank_values=True)
        assert target["cursor"] == [cursor]
        assert target["limit"] == [str(limit)]
        for name, value in filters.items():
            assert target.get(name) == (None if value is None else [str(value)])
    assert seen == sorted(names)


@given(st.integers(0, 200), st.integers(1, 60))
def test_walking_the_spring_pages_gives_exactly_the_rows(total: int, size: int) -> None:
    rows = [{"id": number} for number in range(total)]
    seen: list[int] = []
    number = 0
    while True:
        start = spring_offset(number, size, 0)
        body = spring_page(rows[start : start + size], number=number, size=size, total=total, path="/v1/x", filters={})
        seen += [row["id"] for row in body.body["content"]]
        assert body.body["numberOfElements"] == len(body.body["content"]) <= size
        assert body.body["totalElements"] == total
        assert body.body["firstPage"] == (number == 0)
        assert ("link" in body.headers) != body.body["lastPage"]
        if body.body["lastPage"]:
            break
        number += 1
    assert seen == list(range(total))
    assert body.body["totalPages"] == (number + 1 if total else 0)


@given(st.integers(0, 50), st.integers(1, 50))
def test_a_shifted_page_repeats_a_row_and_loses_none(number: int, size: int) -> None:
    start = spring_offset(number, size, 1)
    assert start == max(number * size - 1, 0) if number else start == 0


@given(keys, all_filters)
def test_a_cursor_goes_on_where_it_was_given(key: str, filters: dict[str, object]) -> None:
    cursor = cursor_after(key, filters)
    assert re.fullmatch(r"[\w-]+", cursor)
    assert key_of(cursor, filters) == key


@given(keys, all_filters, all_filters)
def test_a_cursor_is_good_for_its_own_filters_only(
    key: str, filters: dict[str, object], others: dict[str, object]
) -> None:
    if json.dumps(filters, sort_keys=True) == json.dumps(others, sort_keys=True):
        return
    with pytest.raises(Problem):
        key_of(cursor_after(key, filters), others)


@given(st.text(max_size=500) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_made_up_cursor_gets_through(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        key_of(cursor, {})
    assert (refused.value.status, refused.value.errors[0].code) == (422, "invalid_cursor")


def forged(key: object) -> str:
    """A cursor that anyone can write who knows how: the print of the filters is no secret."""
    genuine = json.loads(base64.urlsafe_b64decode(cursor_after("x", {"topic": None}) + "=="))
    return base64.urlsafe_b64encode(json.dumps([key, genuine[1]]).encode()).decode().rstrip("=")


@pytest.mark.parametrize("after", ["\ud800", "a\x00b", 5, None, ["s0001"], {"id": 1}])
def test_a_forged_cursor_with_what_no_key_is_made_of_is_refused(lab: InProcess, after: object) -> None:
    lab.made()
    answer = lab.call("GET", f"/v1/letters?cursor={forged(after)}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize("limit", [1, 7, LETTERS - 1, LETTERS, LETTERS + 1, 1000])
@pytest.mark.parametrize("topic", [None, TOPICS[1]])
def test_following_the_link_headers_gives_every_letter_once(lab: InProcess, limit: int, topic: str | None) -> None:
    lab.made(requests_per_minute=10_000)
    wanted = [letter["id"] for letter in lab.letters() if topic in {None, letter["topic"]}]
    path: str | None = f"/v1/letters?limit={limit}" + (f"&topic={topic}" if topic else "")
    seen: list[str] = []
    while path is not None:
        answer = lab.call("GET", path)
        assert answer.status_code == 200, answer.text
        seen += [letter["id"] for letter in answer.json()["data"]]
        path = next_link(answer)
        assert answer.json()["meta"]["has_more"] == (path is not None)
    assert seen == wanted


@pytest.mark.parametrize("size", [1, 10, 44, 45, 46])
def test_following_the_links_of_spring_pages_gives_every_letter_once(lab: InProcess, size: int) -> None:
    lab.made(requests_per_minute=10_000)
    path: str | None = f"/v1/paged-letters?size={size}"
    seen: list[str] = []
    while path is not None:
        answer = lab.call("GET", path)
        seen += [letter["id"] for letter in answer.json()["content"]]
        path = next_link(answer)
        assert answer.json()["lastPage"] == (path is None)
    assert seen == [letter["id"] for letter in lab.letters()]


def test_rows_that_come_and_go_behind_the_cursor_do_not_disturb_the_walk(lab: InProcess) -> None:
    """What offset paging cannot do: a row removed from a page already read shifts nothing."""
    lab.made()
    first = lab.call("GET", "/v1/letters?limit=10").json()
    lab.call("DELETE", "/v1/letters/s0000")
    rest = lab.call("GET", f"/v1/letters?limit=1000&cursor={first['meta']['cursor']}").json()
    assert [letter["id"] for letter in first["data"] + rest["data"]] == [f"s{number:04}" for number in range(LETTERS)]


@pytest.mark.parametrize(
    "query",
    (
        "limit=0 limit=-1 limit=1001 limit=1e3 limit= limit=99999999999999999999999 limit=10&limit=x "
        f"cursor= cursor=%00 cursor={'a' * 501} cursor=%ff%fe page=1 limit[]=1 LIMIT=3 =1 &x"
    ).split(),
)
def test_absurd_parameters_of_a_list_are_refused(lab: InProcess, query: str) -> None:
    lab.made()
    answer = lab.call("GET", f"/v1/letters?{query}")
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["page=-1", "page=1000001", "size=0", "size=1001", "page=x", "size=2.5", "sort=id"])
def test_absurd_parameters_of_a_spring_page_are_refused(lab: InProcess, query: str) -> None:
    lab.made()
    assert lab.call("GET", f"/v1/paged-letters?{query}").status_code == 422


def test_a_page_far_beyond_the_end_is_empty_and_the_last(lab: InProcess) -> None:
    lab.made()
    body = lab.call("GET", "/v1/paged-letters?page=1000000&size=1000").json()
    assert (body["content"], body["lastPage"], body["totalElements"]) == ([], True, LETTERS)
