"""Is a tag understood in every form in which it may come back?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.http.preconditions import etag, expected, unchanged, versions
from pip_api.http.problems import Problem

NUMBERS = st.integers(1, 10**12)
VARIANTS = st.sampled_from(["", "id", "id,title"])
CODINGS = st.sampled_from(["", "-gzip", ";gzip", "-br", "-zstd"])


@given(st.lists(st.tuples(NUMBERS, VARIANTS, CODINGS, st.sampled_from(["", "W/"])), max_size=4))
def test_a_list_of_tags_names_its_versions(tags: list[tuple[int, str, str, str]]) -> None:
    header = ", ".join(f'{weak}{etag(number, variant)[:-1]}{coding}"' for number, variant, coding, weak in tags)
    assert versions(header) == {number for number, *_ in tags}


@given(st.text(st.characters(codec="ascii", exclude_characters='"'), max_size=20))
def test_what_is_not_ours_names_no_version(text: str) -> None:
    ours = text[:1] == "v" and text[1:2].isdigit()
    assert ours or versions(f'"{text}"') == set()
    assert versions(text) == set()


@given(NUMBERS, VARIANTS, CODINGS, st.sampled_from(["", "W/"]))
def test_a_representation_is_held_in_any_dress(number: int, variant: str, coding: str, weak: str) -> None:
    tag = etag(number, variant)
    assert unchanged(f'"x", {weak}{tag[:-1]}{coding}"', tag)
    assert not unchanged(tag, etag(number + 1, variant))
    assert not unchanged(tag, etag(number, "other"))
    assert not unchanged(None, tag)


def test_a_variant_has_a_tag_of_its_own() -> None:
    assert etag(17) == '"v17"'
    assert etag(17, "id,title") == '"v17.3b75ffa3"'
    assert etag(17, "id,title") != etag(17, "title,id")


def test_the_body_is_asked_only_when_there_is_no_header() -> None:
    def unread() -> int:
        raise AssertionError("the body was read")

    expected('"v3"', unread, 3)
    with pytest.raises(Problem) as stale:
        expected('"v2"', unread, 3)
    assert stale.value.code == "version_mismatch"
    expected(None, lambda: 3, 3)
    with pytest.raises(Problem) as missing:
        expected(None, lambda: None, 3)
    assert (missing.value.code, missing.value.headers) == ("precondition_required", {"ETag": '"v3"'})
