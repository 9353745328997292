"""Which keys do the tests of tokens have?"""

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pip_api.access.keys import SigningKey
from tests.access.provider import Elapsed, Provider, provider
from tests.access.ring import Judge, Ring, ec_jwk, new_ring, rsa_jwk


@pytest.fixture(scope="session")
def ring() -> Ring:
    return new_ring()


@pytest.fixture(scope="session")
def verifier(ring: Ring) -> Judge:
    return Judge(ring.jwks())


@pytest.fixture(scope="session")
def issuing_key() -> SigningKey:
    return SigningKey(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
async def idp(ring: Ring) -> AsyncIterator[Provider]:
    async with provider([rsa_jwk("r1", ring.r1), ec_jwk("e1", ring.e1, "P-256")]) as started:
        yield started
