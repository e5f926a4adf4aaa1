"""Injectors do what their names say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil_tests.inject import find
from hil_tests.inject.action import Place
from hil_tests.vm.emulated_board import FLASH_BYTES
from hil_tests.vm.flash_image import read_image, write_image
from tools.sealing import sealed

CONFIG, LIMITS = sealed(b'{"board": "b01"}' + b" " * 1_500), sealed(b'{"v": 1}' + b" " * 300)


@pytest.mark.parametrize("name", ["config.json", "limits.json"])
def test_a_bit_flips_in_the_newest_file_alone(tmp_path: Path, name: str) -> None:
    files = {"config.json": CONFIG, "limits.json": LIMITS}
    files |= {f"{one}.old": content for one, content in files.items()}
    image = tmp_path / "b01.img"
    write_image(image, files, FLASH_BYTES)
    bench = SimpleNamespace(now_ms=7, boards={"b01": SimpleNamespace(image=image)})
    find("flip_bit")(Place(cast(Any, bench), "b01", "", name))
    after = read_image(image)
    changed = {one for one in files if after[one] != files[one]}
    assert changed == {name}
    differ = [a ^ b for a, b in zip(after[name], files[name], strict=True) if a != b]
    assert differ == [1]
