"""Mutants of the firmware's safety code: one small change at a time, and whether the board's tests notice it.

A change that no test notices is behaviour that nobody has stated. Every site of the files is changed once: comparisons
and their boundaries, logical and arithmetical operators, numbers, truth values.
"""

from __future__ import annotations

import ast
import copy
import importlib
import os
import signal
import sys
import tempfile
import types
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FIRMWARE: Final = ROOT / "firmware"
MODULES: Final = ("safety", "control", "relay", "plausible")
# The board's tests that run on CPython without a VM, the most likely to notice first.
TESTS: Final = (
    "test_rh_control", "test_rh_relay", "test_rh_sensing", "test_rh_safety", "test_rh_safety_on_time",
    "test_rh_safety_cable", "test_rh_safety_latch", "test_rh_safety_start", "test_rh_zone", "test_rh_board",
    "test_rh_command_override", "test_rh_command_plan", "test_rh_edges",
)  # fmt: skip
# Changes that leave the behaviour as it is: (module, line, change) → why. All others have to be noticed.
EQUIVALENT: Final[dict[tuple[str, str, str], str]] = {
    ("safety", "self.hours = [0] * 24", "24 → 25"): "the ring has 24 places, whatever stands behind them",
    ("safety", "self._at = 0", "0 → 1"): "the ring may begin at any place",
    ("safety", "self._at = (self._at + 1) % 24", "Add → Sub"): "the ring may turn the other way",
    ("safety", "self._retry_at = self._rest_until = -1", "1 → 2"): "any time before the start",
    ("safety", "self._retry_at = -1", "1 → 2"): "any time before the start",
    ("relay", "if position < self._position:", "Lt → LtE"): "no second comes twice",
}
LIMIT_S: Final = 60  # a mutant that loops for ever is noticed
_SWAP: Final[dict[type, type]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.FloorDiv: ast.Mult, ast.Mult: ast.FloorDiv, ast.Mod: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A module with one change in `line`."""

    module: str
    line: int
    change: str
    text: str  # of the line
    tree: ast.Module

    @property
    def equivalent(self) -> bool:
        """Whether no behaviour differs."""
        return self.text == "if 0:  # for the type checker; leaves nothing on the chip" or (
            (self.module, self.text, self.change) in EQUIVALENT
        )


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of `firmware/rh/<module>.py`."""
    source = (FIRMWARE / "rh" / f"{module}.py").read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            _apply(list(ast.walk(changed))[number], change)
            line = getattr(node, "lineno", 0)
            yield Mutant(module, line, change, lines[line - 1].strip(), ast.fix_missing_locations(changed))


def _changes(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _SWAP:
        yield f"{type(node.ops[0]).__name__} → {_SWAP[type(node.ops[0])].__name__}"
    elif isinstance(node, ast.BoolOp) or (isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _SWAP):
        yield f"{type(node.op).__name__} → {_SWAP[type(node.op)].__name__}"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "without not"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} → {not node.value}"
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"{node.value} → {node.value + 1}"
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield "condition negated"


def _apply(node: ast.AST, change: str) -> None:
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Compare):
        node.ops[0] = _SWAP[type(node.ops[0])]()
    elif isinstance(node, (ast.BoolOp, ast.BinOp, ast.AugAssign)):
        node.op = _SWAP[type(node.op)]()
    elif isinstance(node, ast.UnaryOp):
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        node.value += 1
    else:
        raise TypeError(change)


def noticed(mutant: Mutant | None) -> bool:
    """Whether the tests fail with the mutant (None: the code as it is), in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(_tested(mutant))
        except BaseException:  # whatever ends it has been noticed
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return status != 0


def _tested(mutant: Mutant | None) -> int:
    signal.alarm(LIMIT_S)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.chdir(tempfile.mkdtemp(prefix="roadheat-mutant-"))
    sys.path[:0] = [str(FIRMWARE), str(FIRMWARE / "tests")]
    if mutant is not None:
        made = types.ModuleType(f"rh.{mutant.module}")
        made.__package__ = "rh"
        sys.modules[made.__name__] = made
        setattr(importlib.import_module("rh"), mutant.module, made)
        exec(compile(mutant.tree, f"{mutant.module}.py", "exec"), made.__dict__)
    for name in TESTS:
        if (FIRMWARE / "tests" / f"{name}.py").exists():
            suite = unittest.defaultTestLoader.loadTestsFromName(name)
            with open(os.devnull, "w", encoding="utf-8") as stream:
                if not unittest.TextTestRunner(stream, failfast=True).run(suite).wasSuccessful():
                    return 1
    return 0
