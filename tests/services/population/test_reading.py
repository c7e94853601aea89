"""Reading residents, family cards and regions."""

from collections import Counter

import pytest

ONE = "population:read"


def test_all_residents_are_read_page_by_page(registry):
    """Each once, in the order of their ids, whatever the size of the page."""
    expected = [resident.id for resident in registry.world.residents]
    for limit in (37, 1000):
        assert [row["id"] for row in registry.pages("/v1/residents", limit=limit)] == expected


def test_a_list_shows_no_more_than_is_needed(registry):
    """Not the mother's name, not the address."""
    page = registry.read("/v1/residents?limit=1")
    assert page["data"][0].keys() == {"id", "nik", "kk", "name", "sex", "birth_on", "village_code", "status"}
    assert page["meta"]["limit"] == 1


def test_the_next_page_is_linked(registry):
    """RFC 8288, with the same filters; not on the last page."""
    answer = registry.get("/v1/residents?status=deceased&limit=1&region=7679")
    link = answer.headers["link"]
    assert link.endswith('; rel="next"')
    assert registry.read(link[1 : link.index(">")])["data"][0]["status"] == "deceased"
    assert "link" not in registry.get("/v1/regions?level=province").headers


@pytest.mark.parametrize("region", ["76", "7679", "76.79.91", "767991", "76.79.91.1002", "7679911002"])
def test_residents_are_filtered_by_where_they_live(registry, region):
    """At any level, dotted or not."""
    plain = region.replace(".", "")
    expected = [one.id for one in registry.world.residents if one.village_code.replace(".", "").startswith(plain)]
    assert expected
    assert [row["id"] for row in registry.pages("/v1/residents", region=region, limit=500)] == expected


def test_filters_are_combined(registry):
    """All of them must hold."""
    rows = registry.pages("/v1/residents", region="76.79.90", status="active", name="mu")
    expected = [
        one.id
        for one in registry.world.residents
        if one.village_code.startswith("76.79.90") and one.status == "active" and one.name.startswith("MU")
    ]
    assert expected
    assert [row["id"] for row in rows] == expected


def test_where_nobody_lives_the_list_is_empty(registry):
    """A region of another city is no mistake."""
    assert registry.read("/v1/residents?region=76.02")["data"] == []


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "?limit", "out_of_range"),
        ("limit=1001", "?limit", "out_of_range"),
        ("limit=99999999999999999999", "?limit", "out_of_range"),
        ("cursor=abc", "?cursor", "invalid_cursor"),
        ("status=dead", "?status", "not_allowed"),
        ("name=a", "?name", "too_short"),
        ("nik=7679904101900001", "?nik", "unknown_parameter"),
        ("page=2", "?page", "unknown_parameter"),
    ],
)
def test_odd_parameters_are_named(registry, query, pointer, code):
    """422, with the parameter and what is wrong with it."""
    answer = registry.get(f"/v1/residents?{query}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


def test_a_malformed_region_is_named(registry):
    """With its own code, in lists as in single reads."""
    for path in ("/v1/residents?region=76.7", "/v1/families?region=x", "/v1/regions?parent=767", "/v1/regions/76.7990"):
        answer = registry.get(path)
        assert (answer.status_code, answer.json()["code"]) == (422, "region_code_malformed"), path


def test_a_cursor_belongs_to_its_filters(registry):
    """Changing them half-way is a mistake, not a silent gap."""
    cursor = registry.read("/v1/residents?status=active&limit=1")["meta"]["cursor"]
    assert registry.get(f"/v1/residents?status=deceased&cursor={cursor}").status_code == 422


def test_one_resident_is_shown_whole(registry):
    """As the world has him, every field under its own name."""
    resident = registry.plain()
    shown = registry.read(f"/v1/residents/{resident.nik}")
    for name, value in shown.items():
        known = getattr(resident, name)
        assert value == (known if known is None else str(known)), name
    assert len(shown) == 27


def test_the_deceased_and_the_inactive_stay_readable(registry):
    """Their status says what they are."""
    for trouble, status in (("deceased_active_elsewhere", "deceased"), ("non_active", "non_active")):
        shown = registry.read(f"/v1/residents/{registry.nik_with(trouble)}")
        assert shown["status"] == status
        assert (shown["deceased_on"] is not None) == (status == "deceased")


def test_a_duplicate_nik_shows_nobody(registry):
    """409, and not a word about either of them."""
    first, second = registry.world.truth.residents["duplicate_nik"][:2]
    people = [registry.world.resident(first), registry.world.resident(second)]
    assert people[0].nik == people[1].nik
    answer = registry.get(f"/v1/residents/{people[0].nik}")
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_nik")
    for resident in people:
        for fact in (resident.name, resident.kk, resident.address, resident.id):
            assert fact not in answer.text


@pytest.mark.parametrize(
    ("nik", "faults"),
    [
        ("123", ["length"]),
        ("767990410190000A", ["digits"]),
        ("0679904101900001", ["region"]),
        ("7679903213900001", ["day", "month"]),
        ("7679903002900001", ["date"]),
        ("7679904101900000", ["serial"]),
        ("7679904101900001 ", ["digits", "length"]),
        ("' OR '1'='1' -- x", ["digits", "length"]),
        ("٧٦٧٩٩٠٤١٠١٩٠٠٠٠١", ["digits"]),
    ],
)
def test_a_malformed_nik_is_told_what_is_wrong(registry, nik, faults):
    """422, each fault once, and the number not repeated in the sentences."""
    answer = registry.get(f"/v1/residents/{nik}")
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "nik_malformed"
    assert [error["code"] for error in body["errors"]] == faults
    assert all(error["pointer"] == "path:nik" for error in body["errors"])
    assert nik not in body["detail"]


def test_an_unknown_nik_is_not_found(registry):
    """Well formed, nobody's."""
    answer = registry.get("/v1/residents/7679904101909999")
    assert (answer.status_code, answer.json()["code"]) == (404, "resident_not_found")


@pytest.mark.parametrize("kind", ["resident", "family", "region"])
def test_single_reads_carry_an_entity_tag(registry, kind):
    """Unchanged is 304 without a body; the tag is strong, and another record's is another."""
    residents = [one for one in registry.world.residents if one.status == "active"][-2:]
    paths = {
        "resident": [f"/v1/residents/{one.nik}" for one in residents],
        "family": [f"/v1/families/{family.kk}" for family in registry.world.families[:2]],
        "region": ["/v1/regions/76.79", "/v1/regions/76.79.90"],
    }[kind]
    first, second = (registry.get(path) for path in paths)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert tag != second.headers["etag"]
    for given in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        unchanged = registry.get(paths[0], headers={"if-none-match": given})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    assert registry.get(paths[0], headers={"if-none-match": second.headers["etag"]}).content == first.content


def test_personal_data_are_not_for_shared_caches(registry):
    """They may be kept by the caller alone, and are asked about again."""
    assert registry.get(f"/v1/residents/{registry.plain().nik}").headers["cache-control"] == "private, no-cache"


def test_all_families_are_read_page_by_page(registry):
    """With their heads."""
    rows = registry.pages("/v1/families", limit=100)
    assert [row["kk"] for row in rows] == [family.kk for family in registry.world.families]
    heads = {member.id: member for family in registry.world.families for member in family.members}
    for row, family in zip(rows, registry.world.families, strict=True):
        assert (row["head_nik"], row["head_name"]) == (heads[family.head_id].nik, heads[family.head_id].name)


def test_families_are_filtered_by_where_they_live(registry):
    """Dotted or not."""
    expected = [family.id for family in registry.world.families if family.village_code.startswith("76.79.94")]
    assert [row["id"] for row in registry.pages("/v1/families", region="767994")] == expected


def test_a_family_card_lists_everyone(registry):
    """The deceased too; exactly one living member is the head."""
    family = next(one for one in registry.world.families if any(member.status == "deceased" for member in one.members))
    shown = registry.read(f"/v1/families/{family.kk}")
    assert [member["id"] for member in shown["members"]] == [member.id for member in family.members]
    assert (
        Counter(member["relationship"] for member in shown["members"] if member["status"] != "deceased")[
            "KEPALA KELUARGA"
        ]
        == 1
    )
    assert shown["address"] == family.address
    assert shown["issued_on"] == str(family.issued_on)


@pytest.mark.parametrize(
    ("kk", "status", "code"), [("123", 422, "kk_malformed"), ("7679900101229998", 404, "family_not_found")]
)
def test_other_numbers_are_no_family(registry, kk, status, code):
    """Malformed and unknown are told apart."""
    answer = registry.get(f"/v1/families/{kk}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_regions_are_a_tree(registry):
    """Every region but the province has its parent in the list, which the filters follow."""
    rows = registry.pages("/v1/regions", limit=10)
    assert [row["code"] for row in rows] == sorted(region.code for region in registry.world.regions)
    codes = {row["code"] for row in rows}
    assert [row["code"] for row in rows if row["parent_code"] not in codes] == ["76"]
    districts = registry.pages("/v1/regions", level="district", parent="7679")
    assert len(districts) == 6
    villages = [row for district in districts for row in registry.pages("/v1/regions", parent=district["code"])]
    assert len(villages) == sum(row["level"] == "village" for row in rows)


@pytest.mark.parametrize("code", ["76.79.90.1001", "7679901001"])
def test_a_region_is_found_in_both_spellings(registry, code):
    """And shown with both."""
    shown = registry.read(f"/v1/regions/{code}")
    assert (shown["code"], shown["plain_code"]) == ("76.79.90.1001", "7679901001")


def test_a_region_elsewhere_is_not_found(registry):
    """The list is this city's."""
    assert registry.get("/v1/regions/76.02").json()["code"] == "region_not_found"


@pytest.mark.parametrize("path", ["/v1/residents", "/v1/residents/1", "/v1/families", "/v1/regions", "/v1/regions/76"])
def test_reading_needs_its_scope(registry, path):
    """Who may verify may not read."""
    answer = registry.get(path, scope="population:verify")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'scope="population:read"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "path", ["/v1/residents/..%2f..%2fetc", "/v1/residents/%00", "/v1/regions/76%00", "/v1/families/%ff"]
)
def test_hostile_addresses_are_refused(registry, path):
    """Path tricks, NUL and broken UTF-8 are answered 4xx."""
    assert 400 <= registry.get(path).status_code < 500


def test_sentences_come_in_the_readers_language(registry):
    """Indonesian unless English is asked for."""
    path = "/v1/residents/7679904101909999"
    assert registry.get(path).json()["detail"] == "Tidak ada penduduk yang tercatat dengan NIK ini."
    english = registry.get(path, headers={"accept-language": "en-GB, id;q=0.5"}).json()
    assert english["detail"] == "No resident is registered under this NIK."
