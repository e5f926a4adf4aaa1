"""`roadheat user …` and `roadheat token …` beside a running service and on a stopped one."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config, load
from supervisor.control.live import LiveState
from supervisor.control.overrides import Overrides
from supervisor.runtime.clock import SystemClock
from supervisor.store import DATABASE_NAME, Store, passkeys
from supervisor.store.passkeys import Passkey
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import write_weather_csv
from supervisor.web import Services, make_app, stream
from supervisor.web.sessions import Sessions

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city.toml"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    write_weather_csv(tmp_path / "weather.csv", design_storm(1_703_808_000.0))
    text = EXAMPLE.read_text().replace("[web]", '[web]\npublic_url = "https://heat.example/"')
    (tmp_path / "city.toml").write_text(text)
    return load(tmp_path / "city.toml")


def open_store(config: Config) -> Store:
    config.state_dir.mkdir(exist_ok=True)
    return Store.open(config.state_dir / DATABASE_NAME, SystemClock())


def run(config: Config, group: str, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [group, *arguments, "--config", str(config.path)], env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


def user(config: Config, *arguments: str) -> tuple[int, str, str]:
    return run(config, "user", *arguments)


def token(config: Config, *arguments: str) -> tuple[int, str, str]:
    return run(config, "token", *arguments)


async def test_the_last_admin_comes_back_in_after_the_only_session_has_ended(config: Config) -> None:
    store = open_store(config)
    sessions = Sessions(store.access, SystemClock())
    link = await sessions.first_link()
    assert link is not None
    session = await sessions.redeem(link.partition("=")[2])
    assert session is not None
    await sessions.end(session, keep_an_admin=False)
    assert await sessions.first_link() is None  # nobody could sign in
    assert not await sessions.admin_can_sign_in()

    status, output, said = await asyncio.to_thread(user, config, "link", "admin", "--role", "admin")
    assert status == 0, said
    found = re.fullmatch(r"https://heat\.example/login\?token=([\w-]{43})\n", output)
    assert found is not None
    again = await sessions.redeem(found[1])
    assert again is not None
    assert (again.user, again.role) == ("admin", "admin")
    assert [(e.user, e.action) for e in await store.audit.entries(0, 4e9)][-2:] == [
        ("console", "invite"),
        ("admin", "sign-in"),
    ]
    await store.audit.verify()
    await store.close()


async def test_a_running_service_honours_what_the_console_revokes(
    config: Config, aiohttp_client, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(stream, "SESSION_CHECK_S", 0.05)
    store, clock = open_store(config), SystemClock()
    live = LiveState(config.zone, clock)
    sessions = Sessions(store.access, clock)
    overrides = Overrides(store.overrides, live, clock)
    app: web.Application = make_app(
        Services(live, overrides, sessions, clock, config.site, store.answers, public_url="http://x")
    )
    client = await aiohttp_client(app)
    link, _ = await sessions.invite("이민수", "crew", "test")
    assert (await client.get("/login", params={"token": link})).status == 200
    await sessions.invite("Park", "crew", "test")

    _, listed, said = await asyncio.to_thread(user, config, "list")
    assert "이민수" in listed
    assert "unused link by test" in listed
    assert "No administrator can sign in" in said
    [session_id] = re.findall(r"s-[0-9a-f]{16}", listed)
    [link_id] = re.findall(r"l-[0-9a-f]{16}", listed)
    async with client.get("/api/v1/stream") as answer:
        await answer.content.readline()
        assert await asyncio.to_thread(user, config, "revoke", session_id) == (
            0, f"session {session_id} ended\n", said.strip() + "\n",
        )  # fmt: skip
        async with asyncio.timeout(10):
            await answer.content.read()
    assert (await client.get("/api/v1/zones")).status == 401
    assert (await asyncio.to_thread(user, config, "revoke", link_id))[1] == f"link {link_id} is void\n"
    assert (await asyncio.to_thread(user, config, "revoke", "이민수"))[1] == "이민수 removed, 0 sessions ended\n"
    passkey = Passkey(b"id", "Park", b"handle", "phone", b"key", 0, int(clock.utc_s()))
    await store.write(lambda db: passkeys.add(db, passkey))
    assert f"{passkey.id}  passkey on phone" in (await asyncio.to_thread(user, config, "list"))[1]
    revoked = await asyncio.to_thread(user, config, "revoke", passkey.id)
    assert revoked[1] == f"passkey {passkey.id} is void\n"
    assert await store.read(passkeys.passkeys) == []
    assert [p.name for p in await sessions.people()] == ["Park"]
    assert {e.user for e in await store.audit.entries(0, 4e9) if e.action.startswith(("revoke", "remove"))} == {
        "console"
    }
    await store.close()


async def test_changes_of_the_console_and_of_the_service_do_not_lose_each_other(config: Config) -> None:
    store = open_store(config)
    sessions = Sessions(store.access, SystemClock())

    async def service() -> None:
        for n in range(30):
            await sessions.invite(f"Crew {n}", "crew", "test")

    async def console() -> None:
        for n in range(6):
            status, _, said = await asyncio.to_thread(user, config, "link", f"Console {n}b", "--role", "crew")
            assert status == 0, said

    await asyncio.gather(service(), console())
    assert len(await sessions.people()) == 36
    assert (await store.audit.verify())[0] == 36
    await store.close()


async def test_what_cannot_be_done_is_said_with_its_remedy(config: Config) -> None:
    status, _, said = user(config, "list")
    assert (status, "roadheat serve" in said) == (2, True)
    await open_store(config).close()
    assert "role" in user(config, "link", "Lee")[2]
    assert user(config, "link", "Lee", "--role", "crew")[0] == 0
    assert "looks like 'Lee'" in user(config, "link", "lee", "--role", "crew")[2]
    assert "is crew" in user(config, "link", "Lee", "--role", "admin")[2]
    assert user(config, "link", "Lee", "--role", "admin", "--change-role")[0] == 0
    assert user(config, "link", "Lee")[0] == 0  # keeps the role
    assert "user list" in user(config, "revoke", "Nobody")[2]
    assert "control or invisible" in user(config, "link", "Lee\n2", "--role", "crew")[2]


async def test_a_token_made_on_the_console_opens_the_service_until_it_is_revoked(config: Config) -> None:
    store = open_store(config)
    sessions = Sessions(store.access, SystemClock())
    arguments = ["make", "City dashboard", "--scope", "read", "--scope", "observe", "--days", "30"]
    status, output, said = await asyncio.to_thread(token, config, *arguments)
    assert status == 0, said
    found = await sessions.tokens.find(output.strip())
    assert found is not None
    assert (found.user, found.scopes) == ("token:City dashboard", {"read", "observe"})
    assert output.strip() not in (await asyncio.to_thread(token, config, "list"))[1]
    assert "City dashboard (read, observe) by console" in (await asyncio.to_thread(token, config, "list"))[1]
    assert "already" in (await asyncio.to_thread(token, config, *arguments))[2]
    assert (await asyncio.to_thread(token, config, "revoke", "City dashboard"))[1] == "City dashboard is void\n"
    assert await sessions.tokens.find(output.strip()) is None
    assert (await asyncio.to_thread(token, config, "revoke", "City dashboard"))[0] == 2
    assert (await asyncio.to_thread(token, config, "make", "x", "--scope", "read"))[0] == 2
    assert (await asyncio.to_thread(token, config, "make", "other", "--scope", "all"))[0] == 2
    await store.audit.verify()
    await store.close()
