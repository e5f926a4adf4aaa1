"""The utility's own bill beside ours: what differs, and what it may come from.

A CSV file with the columns supply, item and amount; items are the codes of our rows, `kwh`, `billed-kw`, `charges`,
`vat`, `fund` and `total`, or KEPCO's own words for them. What the file has and ours has not is a difference; what only
ours has is not compared.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from msgspec import Struct

from supervisor.domain.errors import CommandError
from supervisor.energy.text_file import read_text
from supervisor.tariff.billing.bill import OF_CONTRACT, Bill

# A printed bill cuts halves that are split by days one by one: a row may be 1 short, never the total.
_ROW_TOLERANCE = Decimal(1)
_KWH_TOLERANCE = Decimal("0.01")  # part: class 1 meters, and energy by rated power
_KW_TOLERANCE = Decimal("0.02")
_COLUMNS = ("supply", "item", "amount")
# Rows as KEPCO prints them.
KOREAN: Final = {
    "기본요금": "base", "역률요금": "power-factor", "전력량요금": "energy", "경부하": "energy-light",
    "중간부하": "energy-mid", "최대부하": "energy-peak", "기후환경요금": "climate", "연료비조정액": "fuel",
    "연료비조정요금": "fuel", "초과사용부가금": "excess", "전기요금계": "charges", "부가가치세": "vat",
    "전력기금": "fund", "전력산업기반기금": "fund", "당월요금계": "total", "청구금액": "total", "사용량": "kwh",
    "당월사용량": "kwh", "요금적용전력": "billed-kw",
}  # fmt: skip


class Difference(Struct, frozen=True, kw_only=True):
    supply: str
    item: str
    ours: Decimal
    theirs: Decimal
    within: bool
    reason: str


def read_utility(path: Path) -> dict[tuple[str, str], Decimal]:
    """(supply, item) → amount. Raises CommandError naming the line."""
    lines = read_text(path)[0].splitlines()
    reader = csv.DictReader(lines)
    if not set(_COLUMNS) <= set(reader.fieldnames or ()):
        raise CommandError(
            f"columns {', '.join(reader.fieldnames or ['none'])[:80]}",
            where=f"{path}:1",
            remedy="Write supply,item,amount",
        )
    found: dict[tuple[str, str], Decimal] = {}
    for row in reader:
        place = f"{path}:{reader.line_num}"
        try:
            amount = Decimal((row["amount"] or "").replace(",", "").strip())
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            raise CommandError(f"{row['amount']!r} is not an amount", where=place, remedy="Write a number like 1234560")
        item = (row["item"] or "").strip()
        key = ((row["supply"] or "").strip(), KOREAN.get(item.replace(" ", ""), item))
        if key in found:
            raise CommandError(f"{key[0]} {key[1]} stands twice", where=place, remedy="Give each item once")
        found[key] = amount
    return found


def compare(bills: Sequence[Bill], theirs: dict[tuple[str, str], Decimal]) -> list[Difference]:
    """What theirs has, in the order of our rows; at the end what ours has not. Raises CommandError for none of ours."""
    found, supplies = [], {bill.supply for bill in bills}
    for bill in bills:
        items = _items(bill)
        for item, ours in items.items():
            amount = theirs.get((bill.supply, item))
            if amount is not None:
                found.append(_difference(bill, item, ours, amount))
        for supply, item in theirs:
            if supply == bill.supply and item not in items and theirs[supply, item]:
                found.append(_unknown(supply, item, theirs[supply, item], items))
    if not found:
        raise CommandError(
            f"nothing of {', '.join(sorted(supplies))}",
            where="--utility", remedy=f"Its supplies are: {', '.join(sorted({one for one, _ in theirs})) or 'none'}",
        )  # fmt: skip
    return found


def _unknown(supply: str, item: str, amount: Decimal, items: dict[str, Decimal]) -> Difference:
    return Difference(
        supply=supply, item=item, ours=Decimal(0), theirs=amount, within=False,
        reason=f"Ours has no such row. It has: {', '.join(items)}.",
    )  # fmt: skip


def _items(bill: Bill) -> dict[str, Decimal]:
    items = {row.code: row.amount for row in bill.rows}
    bands = [row.amount for row in bill.rows if row.code.startswith("energy-")]
    if bands:
        items["energy"] = sum(bands, Decimal(0))
    items |= {"kwh": bill.kwh, "charges": bill.charges, "vat": bill.vat, "fund": bill.levies, "total": bill.total}
    if bill.peak is not None:
        items["billed-kw"] = bill.peak.billed_kw
    return items


def _difference(bill: Bill, item: str, ours: Decimal, theirs: Decimal) -> Difference:
    gap = theirs - ours
    of_month = bill.peak.of_month if bill.peak is not None else ""
    if item == "kwh":
        tolerance = abs(theirs) * _KWH_TOLERANCE
        reason = "The meter also counts losses, and zones without a meter are estimated."
    elif item == "billed-kw":
        tolerance = max(abs(theirs) * _KW_TOLERANCE, Decimal(1))
        if of_month == OF_CONTRACT:
            reason = "Ours is the least that the contract allows: compare the contract's kW on the bill."
        else:
            reason = f"Ours is the peak of {of_month}: compare it with the month on the bill."
    elif item == "total":
        tolerance, reason = Decimal(0), "Follows from the rows above."
    elif item == "energy":
        tolerance, reason = 3 * _ROW_TOLERANCE, "Follows from kWh, or a choice stated under the bill."
    else:
        tolerance, reason = _ROW_TOLERANCE, "Follows from kWh, kW, or a choice stated under the bill."
    within = abs(gap) <= tolerance
    return Difference(
        supply=bill.supply, item=item, ours=ours, theirs=theirs, within=within, reason="" if within else reason
    )
