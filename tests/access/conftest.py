"""Which keys do the tests of tokens have?"""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pip_api.access.keys import SigningKey
from tests.access.ring import Judge, Ring, new_ring


@pytest.fixture(scope="session")
def ring() -> Ring:
    return new_ring()


@pytest.fixture(scope="session")
def verifier(ring: Ring) -> Judge:
    return Judge(ring.jwks())


@pytest.fixture(scope="session")
def issuing_key() -> SigningKey:
    return SigningKey(ec.generate_private_key(ec.SECP256R1()))
