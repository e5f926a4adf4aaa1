"""One spelling for one person, and no two names that look alike in the record."""

from __future__ import annotations

import unicodedata

import pytest

from supervisor.domain.errors import CommandError
from supervisor.domain.names import clean_name, skeleton


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Kim  Minsu ", "Kim Minsu"),
        ("Ｋｉｍ　１", "Kim 1"),
        (unicodedata.normalize("NFD", "이민수"), "이민수"),
        (unicodedata.normalize("NFD", "José"), "José"),
        ("작업자 ٣", "작업자 3"),
        ("Nguyễn Văn", "Nguyễn Văn"),
        ("Б. Дорж", "Б. Дорж"),
    ],
)
def test_a_name_has_one_spelling(typed: str, name: str) -> None:
    assert clean_name(typed) == name
    assert clean_name(name) == name


@pytest.mark.parametrize(
    "typed",
    [
        "Kim\n", "Kim\r\nadmin", "Ki\tm", "Kim\x00", "Kim\u2028", "Kim\u0085", "K\u200bim",
        "Kim\u202egnp", "Kim\ufeff", "Kim\u3164", "Kim\u115f",
        "\ud800Kim", "Kim\ue000", "K", "", "  ", "..", "-Kim", "x" * 41, "Kim<b>", "Kim/../x",
        "Кim", "Κim", "Ꮶim", "ᴋim",
        "ㄱㄴ", "console", "Conso1e", "ROADHEAT", "s-0123456789abcdef", "t-0123456789abcdef", "person-01234567",
    ],
)  # fmt: skip
def test_a_name_that_hides_or_imitates_something_is_refused(typed: str) -> None:
    with pytest.raises(CommandError) as refused:
        clean_name(typed)
    assert (refused.value.code, refused.value.where) == ("invalid", "user")
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Kim Minsu", "kim minsu"),
        ("Oliver", "0liver"),
        ("Oliver", "O1iver"),
        ("Oliver", "OIiver"),
        ("Kim", "Ｋｉｍ"),
        ("Xoce", "Хосе"),
        ("HATO", "НАТО"),
        ("KOPEA", "ΚΟΡΕΑ"),
        ("Barn", "Bam"),
        ("Jose", "José"),
        ("작업자 1", "작업자1"),
        ("작업자 1", "작업자 l"),
        ("이민수", unicodedata.normalize("NFD", "이민수")),
        ("Crew 10", "Crew-1O"),
        ("力", "カ"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(name: str, other: str) -> None:
    assert skeleton(name) == skeleton(other)


def test_names_of_different_people_differ() -> None:
    names = [
        "Kim Minsu",
        "Kim Minseo",
        "이민수",
        "이민서",
        "작업자 1",
        "작업자 2",
        "admin",
        "Park",
        "Choi",
        "Дорж",
        "Crew 5",
        "Crew S",
    ]
    assert len({skeleton(name) for name in names}) == len(names)
