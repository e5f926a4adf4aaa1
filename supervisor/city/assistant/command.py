"""`roadheat mcp`: an MCP server on standard input and output, over the REST API of a service."""

from __future__ import annotations

import asyncio
import os

import click

from supervisor.city.assistant.service import connect
from supervisor.commands import require
from supervisor.runtime.clock import SystemClock

TOKEN = "ROADHEAT_TOKEN"


@click.command("mcp")
@click.option("--url", required=True, help="Of the service, such as https://roads.city.example.")
def serve_mcp(url: str) -> None:
    """Let an assistant read the service at URL, and command after you have confirmed; your token is ROADHEAT_TOKEN."""
    require("mcp", "roadheat mcp")
    from supervisor.city.assistant.server import make_server

    async def run() -> None:
        async with connect(url, os.environ.get(TOKEN, "").strip()) as service:
            await make_server(service, SystemClock()).run_stdio_async()

    asyncio.run(run())
