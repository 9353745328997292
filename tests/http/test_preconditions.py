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


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        ('"v3"', None, None),
        ('"v3"', 3, None),
        ('"v3"', 2, "version_mismatch"),
        ('"v2"', 3, "version_mismatch"),
        (None, 3, None),
        (None, 2, "version_mismatch"),
        (None, None, "precondition_required"),
        ("*", 3, "version_mismatch"),
    ],
)
def test_the_header_and_the_body_must_both_be_current(header: str | None, body: int | None, code: str | None) -> None:
    if code is None:
        expected(header, lambda: body, 3)
        return
    with pytest.raises(Problem) as refusal:
        expected(header, lambda: body, 3)
    assert (refusal.value.code, refusal.value.headers) == (code, {"ETag": '"v3"'})


def test_a_change_without_a_body_is_not_asked_for_one() -> None:
    expected('"v3"', None, 3)
    with pytest.raises(Problem, match=r"Send If-Match with the ETag you last read\.$"):
        expected(None, None, 3)
