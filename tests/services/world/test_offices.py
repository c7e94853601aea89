"""Agencies, civil servants, budget and treasury: codes, unique numbers, and the money chain on every line."""

from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.world import World
from services.world.identifiers import budget_codes, nip

REFERENCE = date(2026, 11, 22)


def charged(papers) -> Counter:
    """Sum of the charges of some documents by budget line."""
    total = Counter()
    for paper in papers:
        for charge in paper.charges:
            total[charge.budget_line_id] += charge.amount_idr
    return total


def assert_requests(world: World) -> None:
    """Every SPP is the sum of its charges; a UP charges nothing, and a GU asks for no more than the UP was."""
    floats = {spp.skpd_code: spp.amount_idr for spp in world.spps if spp.kind == "UP"}
    for paper in (*world.spds, *(spp for spp in world.spps if spp.kind != "UP")):
        assert paper.amount_idr == sum(charge.amount_idr for charge in paper.charges)
        assert len({charge.budget_line_id for charge in paper.charges}) == len(paper.charges) > 0
    for spp in world.spps:
        assert (spp.charges == ()) == (spp.kind == "UP")
        assert spp.kind != "GU" or spp.amount_idr <= floats[spp.skpd_code]
        assert spp.submitted_on < world.reference_date


def assert_orders(world: World) -> None:
    """Every SPM rests on an approved SPP, at most one living SPM on each."""
    spps = {spp.number: spp for spp in world.spps}
    for spm in world.spms:
        spp = spps[spm.spp_number]
        assert spp.status == "approved"
        assert (spm.amount_idr, spm.kind, spm.skpd_code) == (spp.amount_idr, spp.kind, spp.skpd_code)
        assert spp.submitted_on <= spm.issued_on < world.reference_date
    living = Counter(spm.spp_number for spm in world.spms if spm.status == "issued")
    assert max(living.values(), default=1) == 1


def assert_payments(world: World) -> None:
    """Every SP2D rests on a living SPM, at most one living SP2D on each, and pays its whole amount."""
    spms = {spm.number: spm for spm in world.spms}
    for sp2d in world.sp2ds:
        spm = spms[sp2d.spm_number]
        assert spm.status == "issued"
        assert sp2d.gross_idr == spm.amount_idr == sp2d.net_idr + sp2d.deductions_idr
        assert 0 <= sp2d.deductions_idr < sp2d.gross_idr
        assert spm.issued_on <= sp2d.issued_on < world.reference_date
        assert (sp2d.cancelled_on is not None) == (sp2d.status == "cancelled")
    living = Counter(sp2d.spm_number for sp2d in world.sp2ds if sp2d.status == "issued")
    assert max(living.values(), default=1) == 1


def assert_money_chain(world: World) -> None:
    """Sum of SP2D <= sum of SPP <= sum of SPD <= DPA on every line."""
    assert_requests(world)
    assert_orders(world)
    assert_payments(world)
    spps, spms = ({paper.number: paper for paper in papers} for papers in (world.spps, world.spms))
    paid = charged(spps[spms[sp2d.spm_number].spp_number] for sp2d in world.sp2ds if sp2d.status == "issued")
    asked = charged(spp for spp in world.spps if spp.status != "cancelled")
    released = charged(world.spds)
    budget = {line.id: line.amount_idr for line in world.budget}
    assert set(released) <= set(budget)
    for line, amount in budget.items():
        assert paid[line] <= asked[line] <= released[line] <= amount


def test_the_money_chain_holds_on_every_line(world):
    assert_money_chain(world)
    assert {spp.kind for spp in world.spps} == {"UP", "GU", "TU", "LS"}


@pytest.mark.parametrize("day", [1, 3, 4, 5, 6, 12, 13, 14, 19, 20, 21])
def test_papers_of_the_last_days_are_still_under_way(day):
    world = World(4, "small", date(2026, 6, day))
    assert_money_chain(world)
    paid = {sp2d.spm_number for sp2d in world.sp2ds if sp2d.status == "issued"}
    ordered = {spm.spp_number for spm in world.spms if spm.status == "issued"}
    waiting = [spp for spp in world.spps if spp.status == "draft"]
    waiting += [spp for spp in world.spps if spp.status == "approved" and spp.number not in ordered]
    waiting += [spm for spm in world.spms if spm.status == "issued" and spm.number not in paid]
    newest = (
        max((world.reference_date - (getattr(p, "issued_on", None) or p.submitted_on)).days for p in waiting)
        if waiting
        else 0
    )
    assert newest <= 3


@settings(max_examples=15)
@given(st.integers(0, 2**63 - 1), st.dates(date(2015, 1, 1), date(2089, 12, 31)))
def test_the_money_chain_holds_on_any_day_of_any_year(seed, reference_date):
    assert_money_chain(World(seed, "small", reference_date))


def test_some_documents_are_cancelled_and_the_truth_names_the_sp2d(world):
    cancelled = [paper.number for paper in world.sp2ds if paper.status == "cancelled"]
    assert len(cancelled) >= 10
    assert world.truth.documents["cancelled_sp2d"] == tuple(cancelled)
    assert sum(paper.status == "cancelled" for paper in world.spps) >= 5
    assert sum(paper.status == "cancelled" for paper in world.spms) >= 5


def test_document_numbers_are_unique_and_count_up_within_an_agency(world):
    for papers in (world.spds, world.spps, world.spms, world.sp2ds):
        assert len({paper.number for paper in papers}) == len(papers)
        sequences = defaultdict(list)
        for paper in papers:
            sequences[paper.skpd_code].append(int(paper.number.split("/")[2]))
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in sequences.values())


def test_budget_lines_refer_to_what_exists_and_their_cash_plans_add_up(world):
    skpd = {agency.code for agency in world.skpd if agency.active}
    sub_activities = {item.code for item in world.programmes if item.level == "sub_activity"}
    leaves = {account.code for account in world.accounts if account.level == 6}
    assert len({line.id for line in world.budget}) == len(world.budget)
    for line in world.budget:
        assert line.id == f"{line.sub_activity_code}.{line.account_code}@{line.skpd_code}"
        assert line.skpd_code in skpd
        assert line.sub_activity_code in sub_activities
        assert line.account_code in leaves
        assert line.account_code.startswith("5")
        assert line.year == world.reference_date.year
        assert len(line.cash_plan_idr) == 12
        assert sum(line.cash_plan_idr) == line.amount_idr > 0
        assert min(line.cash_plan_idr) >= 0
    assert {line.skpd_code for line in world.budget} == skpd


def test_some_amounts_do_not_fit_into_thirty_two_bits(world):
    beyond = world.truth.documents["beyond_32_bits"]
    assert len(beyond) >= 2
    assert set(beyond) == {line.id for line in world.budget if line.amount_idr > 2**31 - 1}


def test_programmes_and_accounts_form_trees_of_well_formed_codes(world):
    programmes = {item.code: item for item in world.programmes}
    patterns = {
        "programme": budget_codes.PROGRAMME_PATTERN,
        "activity": budget_codes.ACTIVITY_PATTERN,
        "sub_activity": budget_codes.SUB_ACTIVITY_PATTERN,
    }
    for item in programmes.values():
        assert patterns[item.level].fullmatch(item.code)
        assert (item.parent_code is None) == (item.level == "programme")
        assert item.parent_code is None or item.parent_code in programmes
    accounts = {account.code: account for account in world.accounts}
    for account in accounts.values():
        assert (account.parent_code is None) == (account.level == 1)
        assert account.parent_code is None or accounts[account.parent_code].level == account.level - 1
        assert (budget_codes.account_faults(account.code) == ()) == (account.level == 6)


def test_former_agencies_point_to_those_that_replaced_them(world):
    agencies = {agency.code: agency for agency in world.skpd}
    assert len(agencies) == len(world.skpd)
    assert sum(agency.active for agency in world.skpd) == 37
    for agency in world.skpd:
        assert budget_codes.skpd_faults(agency.code) == ()
        assert agency.effective_on < world.reference_date
        assert (agency.successor_code is None) == (agency.ended_on is None) == agency.active
        for code in agency.predecessor_codes:
            former = agencies[code]
            assert former.successor_code == agency.code
            assert former.ended_on == agency.effective_on
        if agency.successor_code:
            assert agency.code in agencies[agency.successor_code].predecessor_codes
    truth = world.truth.skpd
    assert len(truth["merged"]) >= 2
    assert len(truth["renamed"]) >= 2
    assert {*truth["merged"], *truth["renamed"]} == {agency.code for agency in world.skpd if not agency.active}


def test_civil_servants_are_residents_with_numbers_that_agree(world):
    residents = {resident.id: resident for resident in world.residents}
    agencies = {agency.code for agency in world.skpd if agency.active}
    assert len({servant.nip for servant in world.civil_servants}) == len(world.civil_servants)
    for servant in world.civil_servants:
        resident, parts = residents[servant.resident_id], nip.parse(servant.nip)
        assert (servant.nik, servant.sex, servant.birth_on) == (resident.nik, resident.sex, resident.birth_on)
        assert (parts.kind, parts.sex, parts.birth_on) == (servant.kind, servant.sex, servant.birth_on)
        assert (parts.start_year, parts.start_month or 1) == (
            servant.started_on.year,
            servant.started_on.month if servant.kind == "pns" else 1,
        )
        assert servant.name.startswith(resident.name)
        assert servant.skpd_code in agencies
        assert servant.started_on < (resident.deceased_on or world.reference_date)
        assert (resident.occupation == "PENSIUNAN") == (servant.status == "retired") or resident.status == "deceased"
        age = (world.reference_date - servant.birth_on).days / 365.25
        assert (age > 58) == (servant.status == "retired")
    assert {servant.kind for servant in world.civil_servants} == {"pns", "pppk"}
    assert {servant.status for servant in world.civil_servants} == {"active", "retired"}
    assert {servant.skpd_code for servant in world.civil_servants} == agencies


def test_nobody_else_is_recorded_as_a_civil_servant(world):
    servants = {servant.resident_id for servant in world.civil_servants}
    recorded = {resident.id for resident in world.residents if resident.occupation == "PEGAWAI NEGERI SIPIL"}
    assert recorded <= servants
    assert recorded


@pytest.mark.parametrize("size", ["medium", "large"])
def test_nip_stay_unique_where_there_are_many(size):
    world = World(2, size, REFERENCE)
    count = world.layout.servant_count()
    nips = [world._servant_builder.build(number).nip for number in range(0, count, 1 if size == "medium" else 7)]
    assert len(set(nips)) == len(nips)


def test_bills_are_owed_by_someone_who_exists_to_an_agency_that_exists(world):
    residents = {resident.nik: resident for resident in world.residents}
    businesses = {business.nib: business for business in world.businesses}
    agencies = {agency.code for agency in world.skpd if agency.active}
    accounts = {account.code for account in world.accounts if account.level == 6}
    assert len({bill.billing_code for bill in world.bills}) == len(world.bills)
    for bill in world.bills:
        payer = residents.get(bill.payer_nik or "") or businesses.get(bill.payer_nib or "")
        assert payer is not None
        assert (bill.payer_nik is None) != (bill.payer_nib is None)
        assert payer.name == bill.payer_name
        assert bill.skpd_code in agencies
        assert bill.account_code in accounts
        assert bill.account_code.startswith("4.1.02")
        assert len(bill.billing_code) == 15
        assert bill.due_on == bill.issued_on + timedelta(days=30)
        assert (bill.paid_at is not None) == (bill.status == "paid")
        if bill.paid_at:
            assert bill.issued_on <= bill.paid_at.date() < world.reference_date
        assert bill.amount_idr > 0
        assert bill.penalty_idr >= 0
    assert {bill.status for bill in world.bills} == {"paid", "unpaid", "expired"}
