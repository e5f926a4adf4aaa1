"""`roadheat check-database`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("check-database")
@click.option("--config", "path", type=click.Path(path_type=Path), default=Path("city.toml"), show_default=True)
def check_database(path: Path) -> None:
    """Read the whole record, beside a running service, and say what is damaged; status 1 if anything is."""
    from supervisor.config import load
    from supervisor.domain.errors import StoreError
    from supervisor.store.integrity import damaged, look, schema
    from supervisor.store.place import file_of

    database = file_of(load(path, without_data=True), "Check it on the server: `pg_amcheck`")
    if not database.exists():
        raise StoreError("no database", where=str(database), remedy="Name the configuration of a service that has run")
    verdict = look(database, thorough=True)
    if verdict.damages:
        for line in verdict.damages:
            click.echo(line)
        raise damaged(database, verdict)
    version, known = schema(database)
    if version > known:
        raise StoreError(
            f"whole, but of schema {version}; this version knows {known}", where=str(database),
            remedy="Run the newer roadheat that wrote it",
        )  # fmt: skip
    click.echo(f"{database}: whole, {database.stat().st_size / 1e6:.1f} MB, schema {version}")
