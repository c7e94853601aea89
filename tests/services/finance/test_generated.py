"""The generated city, as this agency shows it."""

import re
import sqlite3
from contextlib import closing
from datetime import date

import pytest
from finance_city import DAY, City
from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from services.finance import billing, ledger, spellings
from services.finance.tables import LIVING, documents, lines
from services.kit.store import Prepared
from services.world import World, build
from services.world.identifiers.document_number import parse


@pytest.fixture(scope="module")
def world() -> World:
    return build(7, "small", date.fromisoformat(DAY))


def test_the_chain_holds_from_the_start(generated: City):
    found = generated.truth("budget")
    assert len(found) > 300
    for line in found:
        assert line["sp2d_idr"] <= line["spp_idr"] <= line["spd_idr"] <= line["dpa_idr"]
    assert sum(line["sp2d_idr"] for line in found) > 0


def test_every_document_of_the_world_is_there(generated: City, world: World):
    stored = {row["number"]: row for row in generated.truth("documents")}
    papers = [*world.spds, *world.spps, *world.spms, *world.sp2ds]
    assert stored.keys() == {paper.number for paper in papers}
    for spp in world.spps:
        row = stored[spp.number]
        assert row["status"] == spp.status
        assert {(charge["budget_line_id"], charge["amount_idr"]) for charge in row["charges"]} == {
            (charge.budget_line_id, charge.amount_idr) for charge in spp.charges
        }
    for sp2d in world.sp2ds:
        row = stored[sp2d.number]
        assert (row["parent"], row["amount_idr"], row["deductions_idr"]) == (
            sp2d.spm_number,
            sp2d.gross_idr,
            sp2d.deductions_idr,
        )
        assert (row["status"] == "cancelled") == (sp2d.cancelled_on is not None)
        parts = parse(row["number"])
        assert (parts.month, parts.year, parts.sequence) == (row["month"], row["year"], row["sequence"])


def test_realisation_is_to_the_rupiah_what_the_world_paid(generated: City, world: World):
    for code in ("2.16.2.20.2.21.01.0000", "1.01.0.00.0.00.01.0000"):
        for month in (1, 6, 10):
            paid = [
                sp2d
                for sp2d in world.sp2ds
                if sp2d.skpd_code == code
                and sp2d.status == "issued"
                and sp2d.kind != "UP"
                and sp2d.issued_on.month == month
            ]
            answer = generated.get("/v1/realisation", year=2026, skpd=code, month=month).json()
            assert answer["period"] == {
                "documents": len(paid),
                "gross_idr": sum(sp2d.gross_idr for sp2d in paid),
                "deductions_idr": sum(sp2d.deductions_idr for sp2d in paid),
                "net_idr": sum(sp2d.net_idr for sp2d in paid),
            }


def test_the_lines_of_all_pages_are_the_budget_and_their_sums_the_truth(generated: City, world: World):
    rows, page = [], 0
    while True:
        body = generated.get("/v1/dpa", size=200, page=page).json()
        rows += body["content"]
        if body["lastPage"]:
            break
        page += 1
    assert {row["id"]: row["amount_idr"] for row in rows} == {line.id: line.amount_idr for line in world.budget}
    truth = {line["id"]: line for line in generated.truth("budget")}
    for row in rows:
        line = truth[row["id"]]
        assert (row["released_idr"], row["requested_idr"], row["realised_idr"]) == (
            line["spd_idr"],
            line["spp_idr"],
            line["sp2d_idr"],
        )
    assert max(row["amount_idr"] for row in rows) > 2**31


def test_bills_have_the_status_and_the_penalty_of_the_world(generated: City, world: World):
    body = generated.get("/v1/bills", size=1000).json()
    shown = {bill["id"]: (bill["status"], bill["penalty_idr"]) for bill in body["content"]}
    assert shown == {bill.billing_code: (bill.status, bill.penalty_idr) for bill in world.bills}
    assert {status for status, _ in shown.values()} == {"paid", "unpaid", "expired"}


def test_the_next_billing_code_follows_the_last(world: World):
    last = max(bill.billing_code for bill in world.bills)
    assert billing.code_after(last) not in {bill.billing_code for bill in world.bills}
    assert len(billing.code_after(last)) == 15


def test_former_skpd_lead_to_living_ones(generated: City):
    for code, successor in generated.truth("trouble")["successors"].items():
        assert generated.get(f"/v1/skpd/{code}").json()["successor_code"] == successor
        assert code in generated.get(f"/v1/skpd/{successor}").json()["predecessor_codes"]
        assert generated.get("/v1/dpa", skpd=code).json()["totalElements"] == 0


def test_the_dialect_shows_the_same_budget_in_its_own_spelling(generated: City, world: World):
    rows = generated.get("/sipd/referensi/strict/dpa/penarikan/belanja", limit=1000).json()["data"]
    by_code = {}
    for row in rows:
        code = row["kode_sub_giat"]
        whole = code if len(code) == 17 else f"{code[:-2]}00{code[-2:]}"
        by_code[f"{whole}.{row['kode_akun']}@{row['kode_skpd']}"] = spellings.read_rupiah(row["nilai"])
        assert row["nama_sub_giat"].startswith(f"{code} ")
        assert row["nama_program"][7] == " "
    assert by_code == {line.id: line.amount_idr for line in world.budget}
    trouble = generated.truth("trouble")
    assert {row["kode_sub_giat"] for row in rows if len(row["kode_sub_giat"]) == 15}
    assert len(trouble["old_sub_activity_codes"]) == sum(len(row["kode_sub_giat"]) == 15 for row in rows)
    stray = {row["kode_skpd"] for row in rows if "\ufffd" in row["nama_skpd"]}
    assert stray <= set(trouble["stray_characters"])


def test_numbers_of_things_differ_by_year_and_code(generated: City):
    rows = generated.get("/sipd/referensi/strict/dpa/penarikan/belanja", limit=1000).json()["data"]
    assert len({row["id_skpd"] for row in rows}) == len({row["kode_skpd"] for row in rows})
    assert len({row["id_akun"] for row in rows}) == len({row["kode_akun"] for row in rows})


def test_trouble_names_what_was_planted(generated: City, world: World):
    trouble = generated.truth("trouble")
    assert set(trouble["cancelled_sp2d"]) == {sp2d.number for sp2d in world.sp2ds if sp2d.status == "cancelled"}
    assert trouble["cancelled_sp2d"]
    assert set(trouble["beyond_32_bits"]) == {line.id for line in world.budget if line.amount_idr > 2**31 - 1}
    assert trouble["skpd"]["merged"]
    assert trouble["skpd"]["renamed"]


@pytest.mark.parametrize(
    "query",
    [
        select(lines.c.id, ledger.RELEASED, ledger.REQUESTED, ledger.REALISED),
        select(documents).where(documents.c.parent_key == 5, LIVING),
    ],
    ids=["sums of every line", "what rests on a document"],
)
def test_sums_and_successors_are_found_by_index(generated: City, query):
    """Looking through all documents of a type for every line would take a thousand times as long."""
    prepared = Prepared(query)
    form = prepared.form(sqlite.dialect(paramstyle="named"))
    sql = form.sql
    given = form.values(dict.fromkeys(re.findall(r":(\w+)", sql)))
    (state,) = (generated.folder / "test").glob("state-*.db")
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as raw:
        plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}", given)]
    wanted = r"(charges_of_line|PRIMARY KEY|documents_of_spp|one_living_successor)"
    assert len(plan) > 0
    for step in plan:
        assert step.startswith(("SCAN budget_lines", "CORRELATED")) or re.search(wanted, step), plan
