"""Whatever is called in whatever order, the chain holds and the sums are those of the documents."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import httpx
import pytest
from finance_city import CAPIL, KOMINFO, LINE_A, LINE_B, LINE_C, PAPERS, City
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

DPA = {LINE_A: 3_000_000_000, LINE_B: 50_000_000, LINE_C: 10_000_000}
AMOUNTS = st.sampled_from([1, 4_000_000, 10_000_000, 19_999_999, 30_000_000, 200_000_000, 1_800_000_000])


THERE_ALREADY = {"SPD": "spd-000001", "SPP": "spp-000009", "SPM": "spm-000010", "SP2D": "sp2d-000004"}


@dataclass
class Paper:
    """A document as the machine expects it to be."""

    type: str
    kind: str | None
    skpd: str
    amount: int
    status: str
    charges: dict[str, int]
    parent: str | None = None
    deductions: int = 0


@dataclass
class Books:
    """What the treasury should hold, kept by the plainest means."""

    papers: dict[str, Paper] = field(default_factory=dict)

    def living(self, type_: str) -> list[Paper]:
        return [paper for paper in self.papers.values() if paper.type == type_ and paper.status != "cancelled"]

    def sums(self, type_: str) -> Counter[str]:
        total: Counter[str] = Counter()
        for paper in self.living(type_):
            total.update(paper.charges)
        return total

    def resting_on(self, id_: str) -> bool:
        return any(paper.parent == id_ and paper.status != "cancelled" for paper in self.papers.values())

    def floats(self, type_: str, skpd: str) -> list[Paper]:
        return [paper for paper in self.living(type_) if (paper.kind, paper.skpd) == ("UP", skpd)]

    def may_request(self, kind: str, skpd: str, charges: dict[str, int]) -> bool:
        if kind == "UP":
            return not self.floats("SPP", skpd)
        paid = sum(paper.amount for paper in self.floats("SP2D", skpd))
        if kind == "GU" and sum(charges.values()) > paid:
            return False
        left = self.sums("SPD") - self.sums("SPP")
        return all(amount <= left[line] for line, amount in charges.items())

    def may_cancel(self, id_: str) -> bool:
        paper = self.papers[id_]
        if paper.status == "cancelled" or self.resting_on(id_):
            return False
        if paper.type == "SPD":
            spare = self.sums("SPD")
            spare.subtract(self.sums("SP2D"))
            return all(amount <= spare[line] for line, amount in paper.charges.items())
        refills = [spp for spp in self.living("SPP") if (spp.kind, spp.skpd) == ("GU", paper.skpd)]
        return not (paper.type == "SP2D" and paper.kind == "UP" and refills)


def seeded() -> Books:
    """The books of the tiny city."""
    charged = {1: {LINE_A: 1_200_000_000, LINE_B: 20_000_000}, 2: {LINE_A: 100_000_000}, 5: {LINE_A: 300_000_000}}
    charged[9] = {LINE_A: 200_000_000}
    id_of = {row["key"]: f"{str(row['type']).lower()}-{row['key']:06}" for row in PAPERS}
    books = Books()
    for row in PAPERS:
        books.papers[id_of[row["key"]]] = Paper(
            str(row["type"]), row["kind"], KOMINFO, int(row["amount_idr"]), str(row["status"]),
            charged[row["spp_key"] or row["key"]], id_of.get(row["parent_key"]), int(row["deductions_idr"]),
        )  # fmt: skip
    return books


class Treasury(RuleBasedStateMachine):
    """Calls the agency at random and keeps the books beside it."""

    city: ClassVar[City]
    spds = Bundle("spds")
    spps = Bundle("spps")
    spms = Bundle("spms")
    sp2ds = Bundle("sp2ds")

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()

    @initialize(target=spds)
    def reset(self) -> str:
        self.city.reset()
        self.books = seeded()
        return "spd-000001"

    @initialize(target=spps)
    def first_spp(self) -> str:
        return "spp-000009"

    @initialize(target=spms)
    def first_spm(self) -> str:
        return "spm-000010"

    def _made(self, answer: httpx.Response, paper: Paper, *, allowed: bool) -> str:
        """Check a creation against the books and enter it; a refusal gives an id that is there already."""
        assert answer.status_code == (201 if allowed else 409), answer.text
        if not allowed:
            return THERE_ALREADY[paper.type]
        id_: str = answer.json()["id"]
        self.books.papers[id_] = paper
        return id_

    @rule(target=spds, line=st.sampled_from(sorted(DPA)), amount=AMOUNTS)
    def release(self, line: str, amount: int) -> str:
        skpd, charges = line.rpartition("@")[2], {line: amount}
        allowed = self.books.sums("SPD")[line] + amount <= DPA[line]
        body = {"skpd_code": skpd, "quarter": 4, "charges": [{"budget_line_id": line, "amount_idr": amount}]}
        paper = Paper("SPD", None, skpd, amount, "issued", charges)
        return self._made(self.city.post("/v1/spd", body), paper, allowed=allowed)

    @rule(
        target=spps,
        kind=st.sampled_from(["LS", "LS", "TU", "GU", "UP"]),
        line=st.sampled_from(sorted(DPA)),
        amount=AMOUNTS,
    )
    def request(self, kind: str, line: str, amount: int) -> str:
        skpd = line.rpartition("@")[2]
        charges = {} if kind == "UP" else {line: amount}
        body = {
            "skpd_code": skpd, "kind": kind, "purpose": "Keperluan", "payee": "Penerima", "amount_idr": amount,
            "charges": [{"budget_line_id": line, "amount_idr": amount} for line in charges],
        }  # fmt: skip
        paper = Paper("SPP", kind, skpd, amount, "draft", charges)
        return self._made(self.city.post("/v1/spp", body), paper, allowed=self.books.may_request(kind, skpd, charges))

    @rule(spp=spps)
    def approve(self, spp: str) -> None:
        allowed = self.books.papers[spp].status == "draft"
        answer = self.city.change(f"/v1/spp/{spp}", "approve")
        assert answer.status_code == (200 if allowed else 409), answer.text
        if allowed:
            self.books.papers[spp].status = "approved"

    @rule(target=spms, spp=spps)
    def order(self, spp: str) -> str:
        asked = self.books.papers[spp]
        allowed = asked.status == "approved" and not self.books.resting_on(spp)
        paper = Paper("SPM", asked.kind, asked.skpd, asked.amount, "issued", asked.charges, spp)
        return self._made(self.city.post("/v1/spm", {"spp_id": spp}), paper, allowed=allowed)

    @rule(target=sp2ds, spm=spms, percent=st.integers(min_value=0, max_value=100))
    def pay(self, spm: str, percent: int) -> str:
        ordered = self.books.papers[spm]
        released, paid = self.books.sums("SPD"), self.books.sums("SP2D")
        covered = all(paid[line] + amount <= released[line] for line, amount in ordered.charges.items())
        allowed = ordered.status == "issued" and not self.books.resting_on(spm) and covered
        withheld = ordered.amount * percent // 100
        paper = Paper("SP2D", ordered.kind, ordered.skpd, ordered.amount, "issued", ordered.charges, spm, withheld)
        answer = self.city.post("/v1/sp2d", {"spm_id": spm, "deductions_idr": withheld})
        return self._made(answer, paper, allowed=allowed)

    @rule(target=spms, line=st.sampled_from(sorted(DPA)))
    def ask_for_all_that_is_left(self, line: str) -> str:
        left = (self.books.sums("SPD") - self.books.sums("SPP"))[line]
        if not left:
            return "spm-000010"
        spp = self.request("LS", line, left)
        self.approve(spp)
        return self.order(spp)

    @rule(target=spms, line=st.sampled_from(sorted(DPA)), amount=AMOUNTS)
    def lose_the_funds_on_the_way(self, line: str, amount: int) -> str:
        spd = self.release(line, amount)
        spm = self.ask_for_all_that_is_left(line)
        self.cancel(spd)
        return spm

    @rule(spd=spds)
    def withdraw(self, spd: str) -> None:
        self.cancel(spd)

    @rule(id_=st.one_of(spps, spms, sp2ds))
    def cancel(self, id_: str) -> None:
        allowed = self.books.may_cancel(id_)
        answer = self.city.cancel(f"/v1/{id_.partition('-')[0]}/{id_}")
        assert answer.status_code == (200 if allowed else 409), answer.text
        if allowed:
            self.books.papers[id_].status = "cancelled"

    @invariant()
    def the_chain_holds_on_every_line(self) -> None:
        for line in self.city.truth("budget"):
            assert 0 <= line["sp2d_idr"] <= line["spd_idr"] <= line["dpa_idr"]
            assert line["sp2d_idr"] <= line["spp_idr"]

    @invariant()
    def the_sums_are_those_of_the_documents(self) -> None:
        shown = {line["id"]: line for line in self.city.get("/v1/dpa").json()["content"]}
        for name, type_ in (("released_idr", "SPD"), ("requested_idr", "SPP"), ("realised_idr", "SP2D")):
            sums = self.books.sums(type_)
            assert {id_: line[name] for id_, line in shown.items()} == {id_: sums[id_] for id_ in DPA}

    @invariant()
    def realisation_is_what_was_paid(self) -> None:
        paid = [paper for paper in self.books.living("SP2D") if paper.kind != "UP"]
        gross, withheld = sum(paper.amount for paper in paid), sum(paper.deductions for paper in paid)
        answer = self.city.get("/v1/realisation", year=2026).json()
        assert answer["period"] == {
            "documents": len(paid), "gross_idr": gross, "deductions_idr": withheld, "net_idr": gross - withheld,
        }  # fmt: skip
        assert answer["float_idr"] == sum(sum(p.amount for p in self.books.floats("SP2D", s)) for s in (KOMINFO, CAPIL))
        truth = self.city.truth("realisation")
        assert sum(month["net_idr"] for month in truth) == gross - withheld

    @invariant()
    def the_documents_are_the_ones_made(self) -> None:
        stored = {row["id"]: row["status"] for row in self.city.truth("documents")}
        assert stored == {id_: paper.status for id_, paper in self.books.papers.items()}


@pytest.fixture
def machine(tiny: City) -> Iterator[type[Treasury]]:
    """The machine on the tiny city."""
    Treasury.city = tiny
    yield Treasury
    del Treasury.city


def test_no_sequence_of_calls_breaks_the_chain(machine: type[Treasury]):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
