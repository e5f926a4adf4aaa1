"""Statements of the record, written for SQLite, as PostgreSQL understands them.

sqlglot parses and writes them. What it does not know of is done here, on its tree: the two databases differ in the key
of a conflict, in the order of nulls, in dates, and in what a name in DO UPDATE SET means. A translation depends on the
statement alone and on the tables' keys, so each is made once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct
from sqlglot import exp, parse_one

STATEMENTS_MAX = 2_048  # kept: some hundred are written, those with a list of zones come in a few lengths
_LITERAL = re.compile(r"('(?:[^']|'')*')")
_PARAMETER = re.compile(r"\?(\d*)|:([a-z_]+)")
_MARK = re.compile("\x01([a-z0-9_]+)\x02")
_TRANSACTION = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b")


class Table(Struct, frozen=True):
    """A table as the database has it. `keys`: columns of each unique index without a condition, the primary key first.
    `numbered`: whether its column `id` numbers the rows by itself.
    """

    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    numbered: bool


class Statement(Struct, frozen=True):
    """`sql` with parameters by name, `%(p1)s` being the first; `gives_id`: its only result is the row's id."""

    sql: str
    gives_id: bool = False


class Translator:
    """Translates for one schema, and keeps the translations."""

    def __init__(self) -> None:
        self._tables: Mapping[str, Table] = {}
        self._kept: dict[str, Statement] = {}

    def forget(self) -> None:
        """The tables have changed."""
        self._tables = {}
        self._kept.clear()

    def translate(self, sql: str, tables: Callable[[], Mapping[str, Table]]) -> Statement:
        """`tables` reads the tables, once a statement needs them."""
        found = self._kept.get(sql)
        if found is None:
            if not self._tables and sql.startswith("INSERT"):
                self._tables = tables()
            if len(self._kept) >= STATEMENTS_MAX:
                self._kept.clear()
            found = self._kept[sql] = self._translate(sql)
        return found

    def _translate(self, sql: str) -> Statement:
        if _TRANSACTION.match(sql):
            return Statement(sql.replace("BEGIN IMMEDIATE", "BEGIN").replace("ROLLBACK TO ", "ROLLBACK TO SAVEPOINT "))
        tree = parse_one(_with_names(sql), read="sqlite")
        gives_id = isinstance(tree, exp.Insert) and self._insert(tree)
        tree = tree.transform(_node)
        text = tree.sql("postgres", identify=True).replace("%", "%%")
        return Statement(_MARK.sub(r"%(\1)s", text), gives_id)

    def _insert(self, tree: exp.Insert) -> bool:
        """Conflicts as PostgreSQL wants them. Returns whether the statement was made to return the row's id."""
        into = tree.find(exp.Table)
        assert into is not None
        table = self._tables[into.name]
        listed = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
        names = tuple(column.name for column in listed) or table.columns
        alternative, conflict = tree.args.get("alternative"), tree.args.get("conflict")
        tree.set("alternative", None)
        if alternative == "REPLACE":
            tree.set("conflict", _replacing(table, names))
        elif alternative == "IGNORE":
            tree.set("conflict", exp.OnConflict(action=exp.var("DO NOTHING")))
        elif conflict is not None and conflict.expressions:
            if not conflict.args.get("conflict_keys"):
                conflict.set("conflict_keys", [exp.to_identifier(name) for name in _key(table, names)])
            _qualify(conflict, into.name)
        plain = alternative is None and not tree.args.get("returning") and isinstance(tree.expression, exp.Values)
        if plain and table.numbered and ("id" not in names or _number(tree.expression, names.index("id"), into.name)):
            tree.set("returning", exp.Returning(expressions=[exp.column("id")]))
            return True
        return False


def _with_names(sql: str) -> str:
    """The statement with a name for each parameter: `p1` for `?1` and for the first `?`, `v_from` for `:from`."""
    count = 0

    def named(found: re.Match[str]) -> str:
        nonlocal count
        if found[2]:
            return f":v_{found[2]}"
        count += 1
        return f":p{found[1] or count}"

    parts = _LITERAL.split(sql)
    return "".join(part if n % 2 else _PARAMETER.sub(named, part) for n, part in enumerate(parts))


def _number(values: exp.Values, at: int, table: str) -> bool:
    """An id that is NULL numbers its row, above every row that is there: other rows may have been given theirs."""
    sequence = f"pg_get_serial_sequence('\"{table}\"', 'id')"
    following = parse_one(f'GREATEST(nextval({sequence}), (SELECT max(id) + 1 FROM "{table}"))', read="postgres")
    for row in values.expressions:
        row.expressions[at].replace(exp.func("COALESCE", row.expressions[at].copy(), following.copy()))
    return True


def _key(table: Table, names: tuple[str, ...]) -> tuple[str, ...]:
    """The first key whose columns are all given."""
    return next(key for key in table.keys if set(key) <= set(names))


def _replacing(table: Table, names: tuple[str, ...]) -> exp.OnConflict:
    """OR REPLACE: all columns anew; those that are not given get their default, a numbered row the next number."""
    key = _key(table, names)
    rest = [name for name in table.columns if name not in key]
    if not rest:
        return exp.OnConflict(action=exp.var("DO NOTHING"))
    return exp.OnConflict(
        conflict_keys=[exp.to_identifier(name) for name in key],
        action=exp.var("DO UPDATE"),
        expressions=[exp.column(name).eq(exp.column(name, table="excluded")) for name in rest],
    )


def _qualify(conflict: exp.OnConflict, table: str) -> None:
    """A bare name on the right side, and in the condition, is the row that is there."""
    parts = [assignment.expression for assignment in conflict.expressions]
    if conflict.args.get("where") is not None:
        parts.append(conflict.args["where"])
    for part in parts:
        for column in part.find_all(exp.Column):
            if not column.table:
                column.set("table", exp.to_identifier(table))


def _node(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Placeholder):
        return exp.var(f"\x01{node.name}\x02")
    if isinstance(node, exp.Ordered):
        node.set("nulls_first", bool(node.args.get("desc")))  # PostgreSQL's own order, which its indices have
    elif isinstance(node, exp.Limit):
        node.set("expression", exp.func("NULLIF", node.expression, exp.Literal.number(-1)))
    elif isinstance(node, exp.Subquery) and isinstance(node.parent, (exp.From, exp.Join)) and not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(f"q{node.depth}")))
    elif isinstance(node, exp.Column) and node.name == "rowid":
        return exp.column("ctid", table=node.table or None)
    elif isinstance(node, exp.Length) and isinstance(node.this, exp.Cast):  # bytes of a text
        return exp.Anonymous(this="OCTET_LENGTH", expressions=[node.this.this.transform(_node)])
    elif isinstance(node, exp.HexString):
        return exp.Anonymous(this="DECODE", expressions=[exp.Literal.string(node.name), exp.Literal.string("hex")])
    elif isinstance(node, (exp.Hex, exp.LowerHex)):
        digits = exp.Anonymous(this="ENCODE", expressions=[node.this.transform(_node), exp.Literal.string("hex")])
        return exp.func("UPPER", digits)
    elif isinstance(node, exp.Date) and node.text("zone") == "unixepoch":
        return _utc_date(node.this.transform(_node))
    return node


def _utc_date(second: exp.Expression) -> exp.Expression:
    """date(second, 'unixepoch') as the text that SQLite gives, without the session's time zone."""
    time = exp.Anonymous(this="TO_TIMESTAMP", expressions=[second])
    utc = exp.Anonymous(this="TIMEZONE", expressions=[exp.Literal.string("UTC"), time])
    return exp.Anonymous(this="TO_CHAR", expressions=[utc, exp.Literal.string("YYYY-MM-DD")])
