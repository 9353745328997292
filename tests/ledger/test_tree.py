"""The vectors are those of Certificate Transparency and of its successor, with a proof from a log in use."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle import verify_consistency as peer_consistency
from pymerkle import verify_inclusion as peer_inclusion

from pip_api.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    ProofRefused,
    consistency_nodes,
    consistency_proof,
    frontier_nodes,
    inclusion_nodes,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

Record = dict[str, Any]


@pytest.fixture(scope="session")
def vectors(data: Path) -> Record:
    loaded: Record = json.loads((data / "merkle_vectors.json").read_text())
    return loaded


def hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in texts]


def is_refused(verify: Callable[..., None], *given: Any) -> bool:
    try:
        verify(*given)
    except ProofRefused:
        return True
    return False


def defined_root(leaves: list[bytes]) -> bytes:
    """The root as RFC 9162 defines it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


class Grown:
    """A tree that has grown leaf by leaf, with the nodes that were complete and the root of each size."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.read: list[tuple[int, int]] = []
        frontier = Frontier()
        self.roots = [frontier.root()]
        for leaf in leaves:
            for level, index, each in frontier.append(leaf):
                assert (level, index) not in self.nodes
                self.nodes[level, index] = each
            self.roots.append(frontier.root())

    def node(self, level: int, index: int) -> bytes:
        self.read.append((level, index))
        return self.nodes[level, index]


def of_size(size: int) -> Grown:
    return Grown([leaf_hash(b"pip-audit-%d" % i) for i in range(size)])


# What others have published


def test_hashes(vectors: Record) -> None:
    known = vectors["hashes"]
    assert bytes.fromhex(known["empty"]) == EMPTY_ROOT == root_of([])
    for leaf in known["leaves"]:
        assert leaf_hash(bytes.fromhex(leaf["data"])).hex() == leaf["hash"]
    for node in known["nodes"]:
        assert node_hash(*hashes([node["left"], node["right"]])).hex() == node["hash"]
    assert root_of(map(leaf_hash, (b"a", b"b", b"c"))).hex() == (
        "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1"
    )


def test_the_tree_of_eight(vectors: Record) -> None:
    known = vectors["tree8"]
    grown = Grown([leaf_hash(bytes.fromhex(each)) for each in known["leaf_inputs"]])
    for level, nodes in enumerate(known["node_hashes_by_level"]):
        for index, each in enumerate(hashes(nodes)):
            assert grown.nodes[level, index] == each
    assert grown.roots == hashes(known["roots_by_size"])


def test_every_case_of_inclusion(vectors: Record) -> None:
    outcomes = []
    for case in [*vectors["inclusion"], vectors["live_log"]]:
        leaf, root = hashes([case["leaf_hash"], case["root"]])
        place = int(case["leaf_index"]), int(case["tree_size"])
        refused = is_refused(verify_inclusion, leaf, *place, hashes(case["proof"]), root)
        assert refused is not case["valid"], case.get("src")
        outcomes.append(refused)
    assert (len(outcomes), sum(outcomes)) == (99, 92)


def test_every_case_of_consistency(vectors: Record) -> None:
    outcomes = []
    cases = [*vectors["consistency"], *({**each, "valid": True} for each in vectors["tree8"]["consistency_cpp"])]
    for case in cases:
        sizes = int(case["size1"]), int(case["size2"])
        refused = is_refused(verify_consistency, *sizes, *hashes([case["root1"], case["root2"]]), hashes(case["proof"]))
        assert refused is not case["valid"], case.get("src")
        outcomes.append(refused)
    assert (len(outcomes), sum(outcomes)) == (102, 92)


def test_trees_and_proofs_made_from_the_definition(vectors: Record) -> None:
    known = vectors["derived"]
    grown = of_size(1025)
    for size, root in known["trees"]:
        assert grown.roots[size].hex() == root
    for case in known["inclusion"]:
        place = case["leaf_index"], case["tree_size"]
        assert inclusion_proof(*place, grown.node) == hashes(case["proof"])
        verify_inclusion(grown.leaves[place[0]], *place, hashes(case["proof"]), grown.roots[place[1]])
    for case in known["consistency"]:
        first, second = case["size1"], case["size2"]
        assert consistency_proof(first, second, grown.node) == hashes(case["proof"])
        verify_consistency(first, second, grown.roots[first], grown.roots[second], hashes(case["proof"]))


def test_a_peer_agrees_on_2000_random_trees() -> None:
    random = Random(9162)
    for _ in range(2000):
        size = random.randint(1, 80)
        entries = [random.randbytes(random.randint(0, 40)) for _ in range(size)]
        peer = InmemoryTree(algorithm="sha256")
        peer.append_entries(entries)
        grown = Grown([leaf_hash(entry) for entry in entries])
        first = random.randint(1, size)
        assert peer.get_root(first) == grown.roots[first]
        assert peer.get_root() == grown.roots[-1] == root_of(grown.leaves)

        index = random.randrange(first)
        inclusion = peer.prove_inclusion(index + 1, first)
        path = inclusion_proof(index, first, grown.node)
        assert path == inclusion.path[1:]
        peer_inclusion(grown.leaves[index], grown.roots[first], inclusion)
        verify_inclusion(peer.get_leaf(index + 1), index, first, path, peer.get_root(first))

        # A peer's proof of consistency has a form of its own; each side takes its own between the other's roots.
        peer_consistency(grown.roots[first], grown.roots[-1], peer.prove_consistency(first, size))
        proof = consistency_proof(first, size, grown.node)
        verify_consistency(first, size, peer.get_root(first), peer.get_root(), proof)


# What holds for every tree


def test_every_proof_of_every_small_tree() -> None:
    grown = of_size(33)
    for size in range(34):
        assert grown.roots[size] == defined_root(grown.leaves[:size])
        for index in range(size):
            path = inclusion_proof(index, size, grown.node)
            verify_inclusion(grown.leaves[index], index, size, path, grown.roots[size])
        for first in range(1, size + 1):
            proof = consistency_proof(first, size, grown.node)
            verify_consistency(first, size, grown.roots[first], grown.roots[size], proof)


@settings(deadline=None)
@given(st.integers(1, 2**40), st.data())
def test_a_proof_says_beforehand_what_it_reads_and_that_is_little(size: int, data: st.DataObject) -> None:
    most = 2 * size.bit_length()
    read: list[tuple[int, int]] = []

    def node(level: int, index: int) -> bytes:
        read.append((level, index))
        assert (index + 1) << level <= size  # complete
        return bytes(32)

    inclusion = data.draw(st.integers(0, size - 1)), size
    inclusion_proof(*inclusion, node)
    assert read == inclusion_nodes(*inclusion)
    assert len(set(read)) == len(read) <= most
    read.clear()
    consistency = data.draw(st.integers(1, size)), size
    consistency_proof(*consistency, node)
    assert read == consistency_nodes(*consistency)
    assert len(set(read)) == len(read) <= most


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_tree_goes_on_from_what_was_kept_of_it(size: int, more: int) -> None:
    grown = of_size(size + more)
    frontier = Frontier(size, [grown.nodes[place] for place in frontier_nodes(size)])
    assert frontier.root() == grown.roots[size]
    for leaf in grown.leaves[size:]:
        frontier.append(leaf)
    assert frontier.root() == grown.roots[-1]


@settings(deadline=None)
@given(st.integers(2, 200), st.data())
def test_nothing_in_a_proof_can_be_changed(size: int, data: st.DataObject) -> None:
    grown = of_size(size)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, grown.node)
    leaf, root = grown.leaves[index], grown.roots[size]

    def changed(proof: list[bytes]) -> list[bytes]:
        at = data.draw(st.integers(0, len(proof) - 1)) if proof else None
        kind = data.draw(st.sampled_from(["longer"] if at is None else ["longer", "shorter", "bit", "twice"]))
        if at is None or kind == "longer":
            return [*proof, grown.leaves[0]]
        if kind == "shorter":
            return proof[:at] + proof[at + 1 :]
        if kind == "twice":
            return [*proof[: at + 1], *proof[at:]]
        return [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]

    assert is_refused(verify_inclusion, leaf, index, size, changed(path), root)
    assert is_refused(verify_inclusion, leaf, index ^ 1, size, path, root)
    assert is_refused(verify_inclusion, node_hash(leaf, leaf), index, size, path, root)
    assert is_refused(verify_inclusion, leaf, index, size, path, grown.roots[size - 1])
    first = data.draw(st.integers(1, size - 1))
    proof = consistency_proof(first, size, grown.node)
    old = grown.roots[first]
    assert is_refused(verify_consistency, first, size, old, root, changed(proof))
    assert is_refused(verify_consistency, first, size, root, old, proof)
    assert is_refused(verify_consistency, first, size, grown.roots[first - 1], root, proof)
    assert is_refused(verify_consistency, first, size, old, grown.roots[size - 1], proof)


def test_a_hash_of_another_length_is_refused() -> None:
    one = leaf_hash(b"")
    verify_inclusion(one, 0, 1, [], one)
    assert is_refused(verify_inclusion, one[:31], 0, 1, [], one[:31])
    both = node_hash(one, one)
    verify_consistency(1, 2, one, both, [one])
    for lengthened in ((one + b"\0", both, [one]), (one, both + b"\0", [one]), (one, both, [one + b"\0"])):
        assert is_refused(verify_consistency, 1, 2, *lengthened)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (4, 4)])
def test_there_is_no_path_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="leaves has none"):
        inclusion_nodes(index, size)
    assert is_refused(verify_inclusion, EMPTY_ROOT, index, size, [], EMPTY_ROOT)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_no_proof_leads_from_nothing_nor_backwards(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="No proof leads"):
        consistency_nodes(first, second)
    assert is_refused(verify_consistency, first, second, EMPTY_ROOT, EMPTY_ROOT, [])
