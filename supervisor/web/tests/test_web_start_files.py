"""Start files: modules put together without changing what they do, addresses for good, a page that asks for nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from supervisor.control.view import ZoneView
from supervisor.web import files
from supervisor.web.assembling import Assembly, AssemblyError
from supervisor.web.start_files import StartFiles

FOLDER = re.compile(r"/static/([0-9a-f]{12})/app\.js")


def test_modules_stand_after_what_they_import_and_once() -> None:
    sources = {
        "app.js": 'import { b } from "./b.js";\nimport { a as one } from "./a.js";\none(b);\nimport("./late.js");\n',
        "a.js": "// alone\nexport function a(x) {\n  return x;\n}\n",
        "b.js": 'import { a } from "./a.js";\nexport const b = a(1);\n',
        "late.js": 'import { b } from "./b.js";\nimport lib from "./v/lib.mjs";\nexport const late = lib(b);\n',
        "v/lib.mjs": "var n=1;export default function(x){return x+n}",
    }
    made = Assembly(sources, "app.js")
    parts = made.files()
    assert set(parts) == {"app.js", "late.js"}
    order = [parts["app.js"].index(f"const {name} = (()") for name in ("m_a_js", "m_b_js", "m_app_js")]
    assert order == sorted(order)
    assert parts["app.js"].count("return x;") == 1
    assert "alone" not in parts["app.js"]
    assert parts["late.js"].startswith('import { m_b_js } from "./app.js";\n')
    assert "export const { late } = m_late_js;" in parts["late.js"]
    assert 'import { m_b_js as it } from "/static/x/app.js";' in made.plain("b.js", "/static/x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('import * as all from "./a.js";\n', "app.js: 'import * as all"),
        ("export let changes = 1;\n", "app.js: 'export let changes"),
        ('import { a } from "./none.js";\n', "app.js: imports none.js, which does not exist"),
        ('import { a } from "./b.js";\n', "app.js: imports itself by way of app.js → b.js"),
        ('import { c } from "./c.js";\nimport("./c.js");\n', "c.js: imported later, but app.js has it from the start"),
    ],
)
def test_what_cannot_be_put_together_is_named(text: str, said: str) -> None:
    sources = {
        "app.js": text,
        "b.js": 'import { x } from "./app.js";\nexport const a = x;\n',
        "c.js": "export const c = 1;\n",
    }
    with pytest.raises(AssemblyError, match=re.escape(said)):
        Assembly(sources, "app.js")


def test_every_module_is_in_a_start_file_or_stands_alone() -> None:
    made = StartFiles(files.load())
    modules = {name for name in files.load() if name.endswith((".js", ".mjs"))}
    linked = {name for name in modules if made.folder.encode() in made.files[name].body}
    assert modules - linked == {"login.js", "roads.js", "sw.js"}  # with their own pages and without imports
    first = made.files[made.folder.removeprefix("/static/") + "/app.js"].body.decode()
    assert "uPlot" not in first  # half the weight of everything else: with the first chart


def test_another_byte_is_another_address() -> None:
    read = files.load()
    changed = read | {"i18n/ko.json": files.StaticFile.of("i18n/ko.json", read["i18n/ko.json"].body + b"\n")}
    assert StartFiles(read).folder != StartFiles(changed).folder
    assert StartFiles(read).folder == StartFiles(files.load()).folder


def test_english_stands_in_for_words_that_are_missing() -> None:
    read = files.load()
    korean = json.loads(read["i18n/ko.json"].body)
    del korean["nav.more"]
    made = StartFiles(read | {"i18n/ko.json": files.StaticFile.of("i18n/ko.json", json.dumps(korean).encode())})
    words = json.loads(made.files[made.folder.removeprefix("/static/") + "/i18n/ko.json"].body)
    assert words["nav.more"] == json.loads(read["i18n/en.json"].body)["nav.more"]


async def test_the_page_brings_session_and_roads_and_is_never_kept(district: Any, sign_in: Any) -> None:
    district.live.zones["z01"].zone = msgspec.structs.replace(
        district.live.zones["z01"].zone, name="</script><script>alert(1)</script>"
    )
    district.live.touch("z01")
    crew = await sign_in("crew")
    async with crew.client.get("/") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Encoding"] == "gzip"
        page = await answer.text()
    assert page.count("</script>") == 2  # no name ends the block
    (block,) = re.findall(r'<script type="application/json" id="first">(.*?)</script>', page)
    first = json.loads(block)
    assert first["session"]["csrf"] == crew.csrf
    assert len(first["zones"]) == len(msgspec.convert(first["zones"], list[ZoneView])) == len(district.live.zones)
    (folder,) = FOLDER.findall(page)
    for name in ("app.js", "app.css", "later.js", "chart.js", "i18n/ko.json", "index.html"):
        async with crew.client.get(f"/static/{folder}/{name}") as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, files.KEEP), name
            assert crew.csrf not in await answer.text(), name
    async with crew.client.get("/static/model.js") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        assert f"/static/{folder}/app.js" in await answer.text()


async def test_the_worker_serves_the_whole_app_and_names_files_that_exist(sign_in: Any) -> None:
    crew = await sign_in("crew")
    async with crew.client.get("/static/shell.js") as answer:
        assert answer.headers["Service-Worker-Allowed"] == "/"
        assert answer.headers["Cache-Control"] == "no-cache"  # a browser finds a newer one at the next visit
        (shell,) = re.findall(r"^self\.SHELL = (.*);$", await answer.text(), re.MULTILINE)
    told = json.loads(shell)
    assert {path.rpartition("/")[2] for path in told["files"]} >= {
        "app.js",
        "later.js",
        "chart.js",
        "app.css",
        "ko.json",
    }
    for path in (told["page"], *told["files"]):
        async with crew.client.get(path) as answer:
            assert answer.status == 200, path
