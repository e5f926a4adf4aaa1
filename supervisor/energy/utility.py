"""The utility's own bill beside ours: what differs, and what it may come from.

A CSV file with the columns supply, item and amount; items are the codes of our rows, `kwh`, `billed-kw`, `charges`,
`vat`, `fund` and `total`. Items that only one side has are not compared.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from msgspec import Struct

from supervisor.domain.errors import CommandError
from supervisor.tariff.billing.bill import OF_CONTRACT, Bill

# A printed bill cuts halves that are split by days one by one: a row may be 1 short, never the total.
_ROW_TOLERANCE = Decimal(1)
_KWH_TOLERANCE = Decimal("0.01")  # part: class 1 meters, and energy by rated power
_KW_TOLERANCE = Decimal("0.02")
_COLUMNS = ("supply", "item", "amount")
_BYTES_MAX = 1_000_000


class Difference(Struct, frozen=True, kw_only=True):
    supply: str
    item: str
    ours: Decimal
    theirs: Decimal
    within: bool
    reason: str


def read_utility(path: Path) -> dict[tuple[str, str], Decimal]:
    """(supply, item) → amount. Raises CommandError naming the line."""
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise CommandError("larger than 1 MB", where=str(path), remedy="Give the bills of one month")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot be read: {error}", where=str(path), remedy="Give a CSV file in UTF-8") from None
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
        key = ((row["supply"] or "").strip(), (row["item"] or "").strip())
        if key in found:
            raise CommandError(f"{key[0]} {key[1]} stands twice", where=place, remedy="Give each item once")
        found[key] = amount
    return found


def compare(bills: Sequence[Bill], theirs: dict[tuple[str, str], Decimal]) -> list[Difference]:
    """What both sides have, in the order of our rows."""
    found = []
    for bill in bills:
        for item, ours in _items(bill).items():
            amount = theirs.get((bill.supply, item))
            if amount is not None:
                found.append(_difference(bill, item, ours, amount))
    return found


def _items(bill: Bill) -> dict[str, Decimal]:
    items = {row.code: row.amount for row in bill.rows}
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
    else:
        tolerance, reason = _ROW_TOLERANCE, "Follows from kWh, kW, or a choice stated under the bill."
    within = abs(gap) <= tolerance
    return Difference(
        supply=bill.supply, item=item, ours=ours, theirs=theirs, within=within, reason="" if within else reason
    )
