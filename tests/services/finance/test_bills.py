"""Retribution bills: made, read, paid, late, expired."""

from datetime import date, timedelta

import pytest
from finance_city import EXPIRED, FORMER, KOMINFO, LATE, MARKET, PAID, PAPER, UNPAID, City
from hypothesis import given
from hypothesis import strategies as st

from services.finance import billing

BILL = {
    "skpd_code": KOMINFO,
    "account_code": MARKET,
    "description": "Retribusi pasar, kios 12",
    "payer_name": "SITI AMINAH",
    "payer_nik": "7679904505900001",
    "amount_idr": 300_000,
}


def pay(city: City, code: str, amount: int, **headers: str):
    return city.post(f"/v1/bills/{code}/payments", {"amount_idr": amount, "reference": "NTPD-0001"}, **headers)


def test_a_bill_is_made_read_and_paid(tiny: City):
    made = tiny.post("/v1/bills", BILL)
    assert made.status_code == 201
    bill = made.json()
    assert (bill["id"], bill["status"], bill["due_on"], bill["total_idr"]) == (
        "767926900000005",
        "unpaid",
        "2026-12-02",
        300_000,
    )
    assert tiny.get(made.headers["location"]).json() == bill
    paid = pay(tiny, bill["id"], 300_000)
    assert paid.status_code == 201
    assert (paid.json()["status"], paid.json()["payment_reference"]) == ("paid", "NTPD-0001")
    assert paid.json()["paid_at"].startswith("2026-11-02T08:")
    assert tiny.get(made.headers["location"]).headers["etag"] == paid.headers["etag"]


def test_a_retry_with_the_same_key_makes_one_bill(tiny: City):
    first = tiny.post("/v1/bills", BILL, idempotency_key="kios-12")
    again = tiny.post("/v1/bills", BILL, idempotency_key="kios-12")
    assert again.json() == first.json()
    assert tiny.get("/v1/bills").json()["totalElements"] == 5


def test_a_payment_is_taken_once(tiny: City):
    assert pay(tiny, UNPAID, 250_000, idempotency_key="pay").status_code == 201
    assert pay(tiny, UNPAID, 250_000, idempotency_key="pay").status_code == 201
    assert pay(tiny, UNPAID, 250_000).json()["code"] == "bill_already_paid"


def test_the_grader_sees_who_has_paid(tiny: City):
    assert pay(tiny, UNPAID, 250_000).status_code == 201
    paid = {bill["billing_code"] for bill in tiny.truth("bills") if bill["paid_at"] is not None}
    assert paid == {UNPAID, PAID}


def test_fifty_payments_at_once_pay_once(tiny: City):
    body = {"amount_idr": 250_000, "reference": "NTPD-0001"}
    answers = tiny.together([("POST", f"/v1/bills/{UNPAID}/payments", {"json": body})] * 50)
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 49]


def test_a_late_bill_costs_a_percent_for_each_thirty_days_until_it_expires(tiny: City):
    late = tiny.get(f"/v1/bills/{LATE}").json()
    assert (late["status"], late["penalty_idr"], late["total_idr"]) == ("unpaid", 5_000, 255_000)
    assert pay(tiny, LATE, 250_000).json()["errors"][0]["code"] == "amount_mismatch"
    tiny.advance(days=105)
    last_day = tiny.get(f"/v1/bills/{LATE}").json()
    assert (last_day["expires_on"], last_day["status"], last_day["penalty_idr"]) == ("2027-02-15", "unpaid", 15_000)
    tiny.advance(days=1)
    assert tiny.get(f"/v1/bills/{LATE}").json()["status"] == "expired"
    assert pay(tiny, LATE, 265_000).json()["code"] == "bill_expired"


def test_what_was_paid_late_stays_what_it_was(tiny: City):
    assert pay(tiny, LATE, 255_000).status_code == 201
    tiny.advance(days=200)
    paid = tiny.get(f"/v1/bills/{LATE}").json()
    assert (paid["status"], paid["penalty_idr"], paid["total_idr"]) == ("paid", 5_000, 255_000)


def test_bills_are_filtered_by_the_status_they_have_now(tiny: City):
    def listed(status: str) -> list[str]:
        return [bill["id"] for bill in tiny.get("/v1/bills", status=status).json()["content"]]

    assert listed("unpaid") == [LATE, UNPAID]
    assert listed("expired") == [EXPIRED]
    assert listed("paid") == [PAID]
    tiny.advance(days=365)
    assert listed("unpaid") == []
    assert listed("expired") == [EXPIRED, LATE, UNPAID]
    assert tiny.get("/v1/bills", skpd="1.01.0.00.0.00.01.0000").json()["totalElements"] == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"payer_nib": "1234567890123"}, "payer_ambiguous"),
        ({"payer_nik": None}, "payer_ambiguous"),
        ({"payer_nik": "123"}, "wrong_form"),
        ({"account_code": "4.1.02"}, "account_not_billable"),
        ({"account_code": PAPER}, "account_not_billable"),
        ({"account_code": "4.1.02.99"}, "unknown_account"),
        ({"skpd_code": "1.01.0.00.0.00.01.0000"}, "unknown_skpd"),
        ({"amount_idr": 0}, "out_of_range"),
        ({"amount_idr": 1.5}, "wrong_type"),
        ({"due_in_days": 91}, "out_of_range"),
        ({"description": "  x"}, "wrong_form"),
    ],
)
def test_a_bill_that_does_not_fit_is_refused(quiet: City, change: dict[str, object], code: str):
    answer = quiet.post("/v1/bills", BILL | change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["code"] == code


def test_a_former_skpd_bills_nobody(quiet: City):
    assert quiet.post("/v1/bills", BILL | {"skpd_code": FORMER}).json()["code"] == "skpd_inactive"


def test_a_business_can_be_billed(tiny: City):
    bill = tiny.post("/v1/bills", BILL | {"payer_nik": None, "payer_nib": "7679000000001"}).json()
    assert (bill["payer_nik"], bill["payer_nib"]) == (None, "7679000000001")


@given(
    amount=st.integers(min_value=1, max_value=10**12),
    due=st.dates(min_value=date(2020, 1, 1), max_value=date(2080, 1, 1)),
    days=st.integers(min_value=-400, max_value=400),
)
def test_the_penalty_never_shrinks_and_stays_small_before_expiry(amount, due, days):
    today = due + timedelta(days=days)
    now, later = billing.penalty(amount, due, today), billing.penalty(amount, due, today + timedelta(days=30))
    assert 0 <= now <= later
    if billing.status_of(None, due, today) == "unpaid":
        assert now * 100 <= amount * 6
    assert (days <= 180) == (billing.status_of(None, due, today) == "unpaid")
    assert billing.status_of("2026-01-01", due, today) == "paid"
