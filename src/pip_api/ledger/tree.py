"""How do so many entries become one hash, and how is it shown that an entry is in it and that nothing before it moved?

The Merkle tree of RFC 9162, section 2.1, and nothing beside it. What is kept are the roots of its complete subtrees, by
level (0 for leaves) and index from the left. They never change when the tree grows, and any root or proof of any size
needs at most two of them for each doubling of the size.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
HASH_BYTES: Final = 32

Place = tuple[int, int]
"""The level and the index of a complete subtree."""
Node = Callable[[int, int], bytes]
"""Gives the root of the complete subtree at a level and index."""


class ProofRefused(Exception):
    """A proof does not show what it should; the text says why, in a few words."""


def leaf_hash(content: bytes) -> bytes:
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of a tree, from the hashes of all its leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


@dataclass(slots=True)
class Frontier:
    """All of a tree that its growth needs: its size, and the roots of the complete subtrees it falls into.

    To go on with a tree that was kept, begin with its size and the nodes at `frontier_nodes(size)`.
    """

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Adds the hash of one leaf. Gives level, index and hash of each subtree that it completes, leaf first."""
        level, index = 0, self.size
        complete = [(level, index, leaf)]
        while index & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            level, index = level + 1, index >> 1
            complete.append((level, index, leaf))
        self.peaks.append(leaf)
        self.size += 1
        return complete

    def root(self) -> bytes:
        return _folded(self.peaks) if self.peaks else EMPTY_ROOT


def frontier_nodes(size: int) -> list[Place]:
    """The complete subtrees that a tree of a size falls into, from the left."""
    return _nodes_of(0, size)


def inclusion_nodes(index: int, size: int) -> list[Place]:
    """All that a proof of inclusion is made of, so that it can be read in one go."""
    return [place for span in _inclusion_spans(index, size) for place in _nodes_of(*span)]


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """The path of a leaf in the tree of a size. Raises ValueError when it has no such leaf."""
    return [_hash_of(span, node) for span in _inclusion_spans(index, size)]


def consistency_nodes(first: int, second: int) -> list[Place]:
    """All that a proof of consistency is made of, so that it can be read in one go."""
    return [place for span in _consistency_spans(first, second) for place in _nodes_of(*span)]


def consistency_proof(first: int, second: int, node: Node) -> list[bytes]:
    """That the tree of the first size begins the tree of the second. Raises ValueError unless 0 < first <= second."""
    return [_hash_of(span, node) for span in _consistency_spans(first, second)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Whether a leaf stands at an index of the tree with a size and root (2.1.3.2). Raises ProofRefused."""
    _require_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise ProofRefused("the tree has no such leaf")
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ProofRefused("the path is too long")
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the path is too short")
    if found != root:
        raise ProofRefused("the path does not lead to the root")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Whether the tree of the first size and root begins that of the second (2.1.4.2). Raises ProofRefused.

    The empty tree begins every tree, so a proof from it would show nothing, and is refused.
    """
    if not 0 < first <= second:
        raise ProofRefused("the sizes are not in order")
    if first == second:
        if proof or first_root != second_root:
            raise ProofRefused("of one size there is one tree, and no proof is needed")
        return
    _require_hashes(first_root, second_root, *proof)
    steps = list(proof) if first & (first - 1) else [first_root, *proof]
    if not steps:
        raise ProofRefused("the proof is too short")
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the proof is too short")
    if old != first_root:
        raise ProofRefused("the proof does not lead to the first root")
    if new != second_root:
        raise ProofRefused("the proof does not lead to the second root")


def _require_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofRefused("a hash has 32 bytes")


def _inclusion_spans(index: int, size: int) -> list[tuple[int, int]]:
    """The leaves under each node of a path, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has none at {index}.")
    low, high = 0, size
    spans = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def _consistency_spans(first: int, second: int) -> list[tuple[int, int]]:
    if not 0 < first <= second:
        raise ValueError(f"No proof leads from {first} leaves to {second}.")
    low, high = 0, second
    spans = []
    while first < high:
        middle = low + _split(high - low)
        if first <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    if low:
        spans.append((low, high))
    return spans[::-1]


def _split(width: int) -> int:
    """The largest power of two below a width: where RFC 9162 parts a tree."""
    return 1 << (width - 1).bit_length() - 1


def _nodes_of(low: int, high: int) -> list[Place]:
    """The complete subtrees over a span of leaves that begins where a subtree can."""
    places = []
    while low < high:
        level = (high - low).bit_length() - 1
        places.append((level, low >> level))
        low += 1 << level
    return places


def _hash_of(span: tuple[int, int], node: Node) -> bytes:
    return _folded([node(level, index) for level, index in _nodes_of(*span)])


def _folded(peaks: Sequence[bytes]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root
