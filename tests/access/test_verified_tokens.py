"""Which tokens were verified a moment ago, and for how long is that believed?"""

from datetime import datetime, timedelta

import pytest

from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims
from pip_api.access.verified_tokens import VerifiedTokens
from tests.access.ring import NOW, Judge, Ring, T, base64url, unbase64


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Counting(Judge):
    """Counts what it is asked for."""

    calls = 0

    async def __call__(self, token: str) -> Claims:
        self.calls += 1
        return self.verify(token)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def counting(ring: Ring, hands: Hands) -> Counting:
    return Counting(ring.jwks(), hands)


async def test_a_token_is_verified_once_in_its_seconds(ring: Ring, counting: Counting, hands: Hands) -> None:
    verified, token = VerifiedTokens(counting, hands, seconds=5), ring.es256()
    first = await verified.verify(token)
    hands.turn(4.999)
    assert await verified.verify(token) is first
    assert counting.calls == 1
    hands.turn(0.001)
    assert await verified.verify(token) == first
    assert counting.calls == 2
    hands.turn(4.999)
    await verified.verify(token)
    assert counting.calls == 2


async def test_a_token_is_never_remembered_past_its_expiry(ring: Ring, counting: Counting, hands: Hands) -> None:
    verified, token = VerifiedTokens(counting, hands, seconds=5), ring.es256(exp=T + 2)
    await verified.verify(token)
    hands.turn(1.999)
    await verified.verify(token)
    assert counting.calls == 1
    hands.turn(0.001)
    await verified.verify(token)
    await verified.verify(token)
    assert counting.calls == 3
    hands.turn(30)
    with pytest.raises(TokenRefused, match="exp"):
        await verified.verify(token)


async def test_a_clock_that_steps_back_does_not_stretch_the_moment(
    ring: Ring, counting: Counting, hands: Hands
) -> None:
    verified, token = VerifiedTokens(counting, hands), ring.es256()
    await verified.verify(token)
    hands.turn(-1)
    await verified.verify(token)
    assert counting.calls == 2


async def test_forget_forgets(ring: Ring, counting: Counting, hands: Hands) -> None:
    verified, token = VerifiedTokens(counting, hands), ring.es256()
    await verified.verify(token)
    verified.forget()
    await verified.verify(token)
    assert counting.calls == 2


async def test_the_memory_is_bounded_and_the_oldest_goes_first(ring: Ring, counting: Counting, hands: Hands) -> None:
    verified = VerifiedTokens(counting, hands, size=3)
    first, second, third, fourth = (ring.es256(jti=jti) for jti in "abcd")
    for token in (first, second, third, fourth):
        await verified.verify(token)
    for token in (second, third, fourth):
        await verified.verify(token)
    assert counting.calls == 4
    await verified.verify(first)
    assert counting.calls == 5


async def test_a_token_verified_again_is_the_youngest(ring: Ring, counting: Counting, hands: Hands) -> None:
    verified = VerifiedTokens(counting, hands, size=3)
    first, again, third, fourth, fifth = (ring.es256(jti=jti) for jti in "abcde")
    for token in (first, again, third):
        await verified.verify(token)
    hands.turn(5)
    for token in (again, fourth, fifth):
        await verified.verify(token)
    await verified.verify(again)
    assert counting.calls == 6


async def test_refusals_are_not_remembered_and_push_nothing_out(ring: Ring, counting: Counting, hands: Hands) -> None:
    verified, good, bad = VerifiedTokens(counting, hands, size=1), ring.es256(), ring.es256(sub="")
    await verified.verify(good)
    for _ in range(2):
        with pytest.raises(TokenRefused, match="sub"):
            await verified.verify(bad)
    await verified.verify(good)
    assert counting.calls == 3


async def test_a_token_that_differs_in_one_bit_is_another_token(ring: Ring, counting: Counting, hands: Hands) -> None:
    verified, token = VerifiedTokens(counting, hands), ring.token()
    await verified.verify(token)
    header, claims, signature = token.split(".")
    end = bytearray(unbase64(signature))
    end[-1] ^= 1
    with pytest.raises(TokenRefused, match="signature"):
        await verified.verify(f"{header}.{claims}.{base64url(bytes(end))}")
