"""What somebody who has the database, the file, or even the signing key may do, and which check is to find it."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from pip_api.access.keys import SigningKey
from pip_api.ledger.heads import COSIGNATURE, HEAD, Head, HeadRefused, KeyMissing, Kind, keys_of, sign, verify
from pip_api.ledger.tree import leaf_hash
from tests.ledger.bundles import (
    FALSE_WITNESS,
    FORGER,
    KEY,
    STRANGER,
    WITNESS,
    Ledger,
    Line,
    Record,
    exported,
    grown,
    packed,
    resealed,
    uid,
)


@dataclass
class Case:
    """A bundle to tamper with. Afterwards it says which checks may find that, and at which entry."""

    random: Random
    ledger: Ledger
    full: bool
    lines: list[Line]
    since: Head | None = None
    expected: frozenset[str] = frozenset()
    entry: str | None = None
    raw: bytes | None = None
    only_missing: bool = field(default=False)
    """Whether what was done looks like something missing, and proves nothing."""

    def all(self, kind: str) -> list[Record]:
        return [members for each, members in self.lines if each == kind]

    def one(self, kind: str) -> Record:
        return self.random.choice(self.all(kind))

    def open_entry(self) -> Record:
        return self.random.choice([each for each in self.all("entry") if "body" in each])

    def remove(self, members: Record) -> None:
        self.lines = [each for each in self.lines if each[1] is not members]
        self.count()

    def insert(self, kind: str, members: Record, before: Record) -> None:
        place = next(i for i, each in enumerate(self.lines) if each[1] is before)
        self.lines.insert(place, (kind, members))
        self.count()

    def count(self) -> None:
        self.lines[-1] = ("end", {"lines": len(self.lines) - 1})

    def find(self, *checks: str, entry: Record | None = None) -> None:
        self.expected = frozenset(checks)
        self.entry = None if entry is None else entry["envelope"]["id"]

    def packed(self) -> bytes:
        return packed(self.lines) if self.raw is None else self.raw


Tampering = Callable[[Case], None]
_KEPT = 8
_BASES = [grown(Random(number)) for number in range(_KEPT)]


def case(random: Random) -> Case:
    ledger = random.choice(_BASES)
    full = random.random() < 0.5
    return Case(random, ledger, full, deepcopy(exported(ledger, full=full, witnesses=[WITNESS])))


def _other(random: Random, value: Any) -> Any:
    """Another value of the same type where there is one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + random.choice([-1, 1])
    if isinstance(value, str) and value:
        place = random.randrange(len(value))
        return value[:place] + random.choice([c for c in "0123456789abcdef" if c != value[place]]) + value[place + 1 :]
    if isinstance(value, list) and value:
        return value[:-1]
    if isinstance(value, dict) and value:
        name = random.choice(sorted(value))
        return {**value, name: _other(random, value[name])}
    return "x" if value is None else [*value, {}] if isinstance(value, list) else {"x": 1}


def _flipped(random: Random, text: str) -> str:
    return str(_other(random, text))


# The entries


def envelope_member(case: Case) -> None:
    entry = case.one("entry")
    before = deepcopy(entry)
    name = case.random.choice([each for each in sorted(entry["envelope"]) if each not in ("at", "id")])
    was = entry["envelope"][name]
    entry["envelope"][name] = 1 if name == "version" and was is None else _other(case.random, was)
    case.find("V3", entry=before)


def envelope_moment(case: Case) -> None:
    entry = case.one("entry")
    at = entry["envelope"]["at"]
    entry["envelope"]["at"] = at[:20] + f"{(int(at[20:26]) + 1) % 10**6:06}Z"
    case.find("V3", entry=entry)


def envelope_id(case: Case) -> None:
    entry = case.one("entry")
    entry["envelope"]["id"] = _flipped(case.random, entry["envelope"]["id"])
    case.find("V3", entry=entry)


def envelope_member_resealed(case: Case) -> None:
    entry = case.one("entry")
    name = case.random.choice(["actor_id", "act", "client_id", "request_id", "overridden", "id"])
    entry["envelope"][name] = _other(case.random, entry["envelope"][name])
    resealed(entry)
    case.find("V7") if case.full else case.find("V4", entry=entry)


def body_member(case: Case) -> None:
    entry = case.open_entry()
    name = case.random.choice(sorted(entry["body"]))
    if name == "patch":
        entry["body"]["patch"] = [*entry["body"]["patch"], {"op": "add", "path": "/x", "value": 1}]
    else:
        entry["body"][name] = _other(case.random, entry["body"][name])
    case.find("V2", entry=entry)


def body_member_resealed(case: Case) -> None:
    entry = case.open_entry()
    entry["body"]["actor_name"] = _flipped(case.random, entry["body"]["actor_name"])
    resealed(entry)
    case.find("V7") if case.full else case.find("V4", entry=entry)


def body_of_another(case: Case) -> None:
    entry, other = case.random.sample([each for each in case.all("entry") if "body" in each], 2)
    entry["body"], entry["salt"] = other["body"], other["salt"]
    case.find("V2", entry=entry)


def salt(case: Case) -> None:
    entry = case.open_entry()
    entry["salt"] = _flipped(case.random, entry["salt"])
    case.find("V2", entry=entry)


def leaf(case: Case) -> None:
    entry = case.one("entry")
    entry["leaf"] = _flipped(case.random, entry["leaf"])
    case.find("V3", entry=entry)


def log_of_entry(case: Case) -> None:
    entry = case.one("entry")
    entry["log_id"] = "2025"
    case.find("V3", entry=entry)


def leaf_index(case: Case) -> None:
    entry = case.one("entry")
    entry["leaf_index"] += case.random.choice([1, 5, 10**6])
    case.find(*(["V7"] if case.full else ["V4"]), entry=entry if not case.full else None)


def path_step(case: Case) -> None:
    _partial(case)
    entry = case.one("entry")
    place = case.random.randrange(len(entry["proof"]))
    entry["proof"][place] = _flipped(case.random, entry["proof"][place])
    case.find("V4", entry=entry)


def path_length(case: Case) -> None:
    _partial(case)
    entry = case.one("entry")
    entry["proof"] = case.random.choice([entry["proof"][1:], entry["proof"][:-1], [*entry["proof"], entry["leaf"]], []])
    case.find("V4", entry=entry)


def path_removed(case: Case) -> None:
    _partial(case)
    entry = case.one("entry")
    del entry["proof"]
    case.find("V4", entry=entry)
    case.only_missing = True


def _partial(case: Case) -> None:
    case.full = False
    case.lines = deepcopy(exported(case.ledger, full=False, witnesses=[WITNESS]))


def _full(case: Case) -> None:
    case.full = True
    case.lines = deepcopy(exported(case.ledger, witnesses=[WITNESS]))


# The order, and what is there


def row_removed(case: Case) -> None:
    _full(case)
    case.remove(case.one("entry"))
    case.find("V7")


def row_removed_and_renumbered(case: Case) -> None:
    _full(case)
    case.remove(case.one("entry"))
    for index, each in enumerate(case.all("entry")):
        each["leaf_index"] = index
    case.find("V7")


def version_removed(case: Case) -> None:
    _partial(case)
    versions: dict[str, list[Record]] = {}
    for each in case.all("entry"):
        versions.setdefault(each["envelope"]["subject_id"] or "", []).append(each)
    several = [each for id, each in versions.items() if id and len(each) > 2]
    if not several:
        return path_step(case)
    case.remove(case.random.choice(several)[1])
    case.find("V9")
    return None


def row_added(case: Case) -> None:
    entry = case.one("entry")
    added = deepcopy(entry)
    added["envelope"]["id"] = str(uid(case.random))
    resealed(added)
    case.insert("entry", added, entry)
    for index, each in enumerate(case.all("entry")) if case.full else ():
        each["leaf_index"] = index
    case.find("V7") if case.full else case.find("V4", entry=added)


def row_twice(case: Case) -> None:
    entry = case.one("entry")
    case.insert("entry", deepcopy(entry), entry)
    case.find("V7", entry=entry)


def order_of_lines(case: Case) -> None:
    places = [i for i, each in enumerate(case.lines) if each[0] == "entry"]
    one, other = case.random.sample(places, 2)
    case.lines[one], case.lines[other] = case.lines[other], case.lines[one]
    case.find("V7")


def order_of_leaves(case: Case) -> None:
    places = [i for i, each in enumerate(case.lines) if each[0] == "entry"]
    one, other = case.random.sample(places, 2)
    case.lines[one], case.lines[other] = case.lines[other], case.lines[one]
    first, second = case.lines[one][1], case.lines[other][1]
    for name in ("leaf_index", "proof") if not case.full else ("leaf_index",):
        first[name], second[name] = second[name], first[name]
    case.find("V7" if case.full else "V4")


def tail_cut(case: Case) -> None:
    _full(case)
    entries = case.all("entry")
    for each in entries[case.random.randrange(1, len(entries)) :]:
        case.remove(each)
    case.find("V7")


def type_moved(case: Case) -> None:
    kind = case.random.choice(["head", "entry", "state"])
    members = case.one(kind)
    case.lines = [each for each in case.lines if each[1] is not members]
    case.lines.insert(len(case.lines) - 1 if kind != "state" else 1, (kind, members))
    case.find("V1")


def line_removed(case: Case) -> None:
    end = case.lines[-1]
    case.remove(case.one(case.random.choice(["head", "entry", "state", "cosignature"])))
    case.lines[-1] = end
    case.find("V7")


# Backups and histories


def older_backup(case: Case) -> None:
    """Set back to how the ledger stood, which agrees with itself."""
    random = Random(case.random.random())
    ledger = grown(random)
    backup = deepcopy(ledger)
    ledger.happens(case.random.randint(1, 9))
    ledger.seal()
    case.since = ledger.logs["2026"].heads[-1]
    case.lines = exported(backup, full=case.full)
    case.find("V6")


def backup_with_another_future(case: Case) -> None:
    ledger = grown(Random(case.random.random()))
    backup = deepcopy(ledger)
    ledger.happens(3)
    ledger.seal()
    case.since = ledger.logs["2026"].heads[-1]
    backup.random = Random(case.random.random())
    backup.happens(case.random.choice([3, 7]))
    backup.seal()
    case.lines = exported(backup, full=case.full)
    if not case.full and backup.logs["2026"].frontier.size > case.since.tree_size:
        proof = backup.logs["2026"].consistency(case.since.tree_size, backup.logs["2026"].frontier.size)
        sizes = {"first": case.since.tree_size, "second": backup.logs["2026"].frontier.size}
        case.insert("consistency", {"log_id": "2026", **sizes, "proof": proof}, case.all("consistency")[0])
    case.find("V6")


def history_rewritten(case: Case) -> None:
    """By somebody who has the key too: every entry, leaf, node and head agrees with every other."""
    seed = case.random.random()
    case.since = grown(Random(seed)).logs["2026"].heads[case.random.randrange(5)]
    forged = grown(Random(seed))
    log = forged.logs["2026"]
    entry = log.lines[case.random.randrange(1, case.since.tree_size) if case.since.tree_size > 1 else 0]
    entry["envelope"]["client_id"] = "another"
    resealed(entry)
    lines, heads = log.lines, log.heads
    log.lines, log.heads, log.nodes = [], [], {}
    log.frontier = type(log.frontier)()
    for each in lines:
        log.lines.append(each)
        for level, index, node in log.frontier.append(bytes.fromhex(each["leaf"])):
            log.nodes[level, index] = node
        log.heads += [replace(head, root=log.frontier.root()) for head in heads if head.tree_size == log.frontier.size]
    case.lines = exported(forged, full=case.full, since=case.since if case.random.random() < 0.5 else None)
    case.find("V6")


def another_key(case: Case) -> None:
    """The history, and the key with it."""
    head = case.ledger.logs["2026"].heads[-1]
    case.since = head
    key = _another(case)
    for each in case.all("head"):
        each["head"] = sign(head, key)
    case.find("V5")


def _another(case: Case) -> SigningKey:
    """The key of somebody who says that it is ours; or a key that is not known, which may be ours."""
    key = case.random.choice([FORGER, STRANGER])
    case.only_missing = key is STRANGER
    return key


# Redaction


def body_gone(case: Case) -> None:
    entry = case.open_entry()
    del entry["body"], entry["salt"]
    entry["redacted_by"] = str(uid(case.random))
    case.find("V2", entry=entry)
    case.only_missing = not case.full  # the redaction may be of another time


def body_gone_by_the_redaction_of_another(case: Case) -> None:
    redaction = next(each for each in case.all("entry") if each["envelope"]["kind"] == "redaction")
    entry = case.random.choice([each for each in case.all("entry") if "body" in each and each is not redaction])
    del entry["body"], entry["salt"]
    entry["redacted_by"] = redaction["envelope"]["id"]
    case.find("V2", entry=entry)


def body_gone_by_what_is_no_redaction(case: Case) -> None:
    entry, other = case.random.sample([each for each in case.all("entry") if "body" in each], 2)
    if entry["envelope"]["kind"] == "redaction" or other["envelope"]["kind"] == "redaction":
        return body_gone(case)
    del entry["body"], entry["salt"]
    entry["redacted_by"] = other["envelope"]["id"]
    case.find("V2", entry=entry)
    case.only_missing = not case.full
    return None


# The heads


def head_text(case: Case) -> None:
    head = case.one("head")
    head["head"] = _flipped(case.random, head["head"])
    case.only_missing = _names_another_key(head["head"], KEY, HEAD)
    case.find("V5")


def _names_another_key(text: str, key: SigningKey, kind: Kind) -> bool:
    """Whether all of a head is well formed, and its key is not known."""
    try:
        verify(text, keys_of({"keys": [key.public_jwk()]}), kind)
    except KeyMissing:
        return True
    except HeadRefused:
        return False
    return False


def head_of_a_stranger(case: Case) -> None:
    head = case.one("head")
    head["head"] = sign(case.ledger.logs["2026"].heads[0], _another(case))
    case.find("V5")


def head_that_is_a_cosignature(case: Case) -> None:
    case.one("head")["head"] = sign(case.ledger.logs["2026"].heads[0], KEY, COSIGNATURE)
    case.find("V5")


def head_of_another_log(case: Case) -> None:
    case.one("head")["head"] = sign(replace(case.ledger.logs["2026"].heads[0], log_id="2025"), KEY)
    case.find("V5")


def head_removed(case: Case) -> None:
    case.remove(case.all("head")[-1])
    case.find("V5")
    case.only_missing = True


def heads_swapped(case: Case) -> None:
    places = [i for i, each in enumerate(case.lines) if each[0] == "head"]
    one, other = case.random.sample(places, 2)
    case.lines[one], case.lines[other] = case.lines[other], case.lines[one]
    case.find("V8")


def head_earlier(case: Case) -> None:
    place = case.random.randrange(1, 5)
    head = case.ledger.logs["2026"].heads[place]
    earlier = replace(head, at=case.ledger.logs["2026"].heads[place - 1].at - timedelta(seconds=1))
    case.all("head")[place]["head"] = sign(earlier, KEY)
    case.find("V8")


def last_root(case: Case) -> None:
    """By the service itself."""
    head = replace(case.ledger.logs["2026"].heads[-1], root=leaf_hash(b"another"))
    case.all("head")[-1]["head"] = sign(head, KEY)
    case.find("V7") if case.full else case.find("V4", "V6")


def earlier_root(case: Case) -> None:
    place = case.random.randrange(4)
    head = replace(case.ledger.logs["2026"].heads[place], root=leaf_hash(b"another"))
    case.all("head")[place]["head"] = sign(head, KEY)
    case.find("V6")


def two_heads_of_one_size(case: Case) -> None:
    place = case.random.randrange(5)
    head = replace(case.ledger.logs["2026"].heads[place], root=leaf_hash(b"another"))
    case.insert("head", {"head": sign(head, KEY)}, case.all("head")[place])
    case.find("V6")


def larger_head(case: Case) -> None:
    """A head of more than the bundle has: its tail was left out."""
    last = case.ledger.logs["2026"].heads[-1]
    head = replace(last, tree_size=last.tree_size + 3, root=leaf_hash(b"more"))
    case.lines.insert(1 + len(case.all("head")), ("head", {"head": sign(head, KEY)}))
    case.count()
    case.find("V7")


def link_step(case: Case) -> None:
    _partial(case)
    link = case.random.choice([each for each in case.all("consistency") if each["proof"]])
    place = case.random.randrange(len(link["proof"]))
    link["proof"][place] = _flipped(case.random, link["proof"][place])
    case.find("V6")


def link_sizes(case: Case) -> None:
    _partial(case)
    link = case.one("consistency")
    link["first"], link["second"] = link["second"], link["first"]
    case.find("V6")


def link_removed(case: Case) -> None:
    _partial(case)
    case.remove(case.one("consistency"))
    case.find("V6")
    case.only_missing = True


# The rows


def row_value(case: Case) -> None:
    state = case.one("state")
    name = case.random.choice([each for each in sorted(state["row"]) if each != "version"])
    state["row"][name] = _other(case.random, state["row"][name])
    case.find("V10")


def row_like_for_python(case: Case) -> None:
    """What Python takes for equal is not the same."""
    true = [each for each in case.all("state") if each["row"]["target"] is True]
    if not true:
        return row_value(case)
    case.random.choice(true)["row"]["target"] = 1
    case.find("V10")
    return None


def row_older(case: Case) -> None:
    case.one("state")["row"]["version"] -= 1
    case.find("V10")


def row_newer(case: Case) -> None:
    case.one("state")["row"]["version"] += 1
    case.find("V10")
    case.only_missing = True


def row_gone(case: Case) -> None:
    case.remove(case.one("state"))
    case.find("V10")


def row_from_nowhere(case: Case) -> None:
    state = case.one("state")
    case.insert("state", {**state, "id": str(uid(case.random)), "row": {**state["row"], "version": 2}}, state)
    case.find("V10")
    case.only_missing = not case.full


def row_slipped_in(case: Case) -> None:
    """A first version that nobody wrote down, of long before the head."""
    _full(case)
    state = case.one("state")
    row = {**state["row"], "version": 1, "created_at": "2026-02-01T09:00:00.000000Z"}
    case.insert("state", {**state, "id": str(uid(case.random)), "row": row}, state)
    case.find("V10")


def row_slipped_in_lately(case: Case) -> None:
    """It may have been made after the head."""
    row_slipped_in(case)
    (slipped,) = [each for each in case.all("state") if "created_at" in each["row"]]
    slipped["row"]["created_at"] = "2026-03-01T09:00:00.000000Z"
    case.only_missing = True


def row_of_another_noun(case: Case) -> None:
    state = case.one("state")
    state["noun"] = "measure" if case.random.random() < 0.5 else {"pip": "action"}.get(state["noun"], "pip")
    case.find("V10")


# A service that writes what is not so, and seals it


def change_past_the_trail(case: Case) -> None:
    ledger = grown(Random(case.random.random()))
    id = next(iter(ledger.rows))
    ledger.rows[id] = {**ledger.rows[id], "tags": ["quietly"]}
    if case.random.random() < 0.5:
        ledger.changed(id)
        ledger.seal()
        case.find("V9")
    else:
        case.find("V10")
    case.full = True
    case.lines = exported(ledger)


def version_left_out(case: Case) -> None:
    ledger = grown(Random(case.random.random()))
    id = next(iter(ledger.rows))
    ledger.rows[id] = {**ledger.rows[id], "version": ledger.rows[id]["version"] + 1}
    ledger.changed(id)
    ledger.seal()
    case.lines = exported(ledger)
    case.find("V9")


def begun_late(case: Case) -> None:
    ledger = grown(Random(case.random.random()))
    id = ledger.created()
    del ledger.unsealed[-1]
    ledger.changed(id)
    ledger.seal()
    case.lines = exported(ledger)
    case.find("V9")


def nobody(case: Case) -> None:
    ledger = grown(Random(case.random.random()))
    ledger.created()
    ledger.unsealed[-1][case.random.choice(["actor_id", "actor_type", "request_id"])] = ""
    ledger.seal()
    case.lines = exported(ledger)
    case.find("V11")


def two_actors(case: Case) -> None:
    ledger = grown(Random(case.random.random()))
    ledger.created()
    first = ledger.unsealed[-1]
    ledger.created()
    ledger.unsealed[-1].update(at=first["at"], request_id=first["request_id"], actor_id=uid(case.random))
    ledger.seal()
    case.lines = exported(ledger)
    case.find("V11")


def withheld(case: Case) -> None:
    ledger = grown(Random(case.random.random()))
    ledger.created()
    ledger.now += timedelta(seconds=61)
    ledger.seal()
    case.lines = exported(ledger)
    case.find("V12")


# The witnesses


def cosignature_text(case: Case) -> None:
    seen = case.one("cosignature")
    seen["cosignature"] = _flipped(case.random, seen["cosignature"])
    case.only_missing = _names_another_key(seen["cosignature"], WITNESS, COSIGNATURE)
    case.find("V13")


def cosignature_of_a_stranger(case: Case) -> None:
    kind, key = case.random.choice(
        [(COSIGNATURE, STRANGER), (COSIGNATURE, FALSE_WITNESS), (HEAD, WITNESS), (COSIGNATURE, KEY)]
    )
    case.only_missing = key in (STRANGER, KEY)
    case.one("cosignature")["cosignature"] = sign(case.ledger.logs["2026"].heads[-1], key, kind)
    case.find("V13")


def another_view(case: Case) -> None:
    head = replace(case.random.choice(case.ledger.logs["2026"].heads), root=leaf_hash(b"for others"))
    case.one("cosignature")["cosignature"] = sign(head, WITNESS, COSIGNATURE)
    case.find("V13")


# The text


def _edit(case: Case, edit: Callable[[bytes], bytes], kind: str | None = None) -> None:
    lines = case.packed().splitlines(keepends=True)
    places = [i for i, each in enumerate(case.lines) if kind in (None, each[0])]
    place = case.random.choice(places)
    lines[place] = edit(lines[place])
    case.raw = b"".join(lines)


def space(case: Case) -> None:
    _edit(case, lambda line: line.replace(b":", b": ", 1))
    case.find("V1")


def key_twice(case: Case) -> None:
    _edit(case, lambda line: line.replace(b"}\n", b',"type":"entry"}\n'), "entry")
    case.find("V1")


def order_of_members(case: Case) -> None:
    _edit(case, lambda line: b'{"type":"entry",' + line[1:].replace(b',"type":"entry"', b""), "entry")
    case.find("V1")


def escaped(case: Case) -> None:
    _edit(case, lambda line: line.replace(b'"kind"', b'"k\\u0069nd"'), "entry")
    case.find("V1")


def other_line_end(case: Case) -> None:
    _edit(case, lambda line: line[:-1] + b"\r\n")
    case.find("V1")


def line_of_its_own(case: Case) -> None:
    text = case.random.choice(
        [b"\n", b"{}\n", b"[]\n", b'{"type":"x"}\n', b"\xff\n", b"{\n", b'{"type":"end"}\n', b"1.5\n"]
    )
    _edit(case, lambda line: text + line, "entry")
    case.find("V1")


def number_of_another_kind(case: Case) -> None:
    other = case.random.choice([b'"leaf_index":0.0', b'"leaf_index":NaN', b'"leaf_index":1e1', b'"leaf_index":-0'])
    _edit(case, lambda line: line.replace(b'"leaf_index":', other + b',"leaf_index":', 1), "entry")
    case.find("V1")


def after_the_end(case: Case) -> None:
    raw = case.packed()
    case.raw = raw + case.random.choice([raw.splitlines(keepends=True)[-1], raw.splitlines(keepends=True)[-2], b"\n"])
    case.find("V1")


def cut_download(case: Case) -> None:
    raw = case.packed()
    case.raw = raw[: case.random.randrange(raw.index(b"\n") + 1, len(raw))]
    case.find("V7")
    case.only_missing = True


def one_bit(case: Case) -> None:
    """Anywhere below the first line, which is not signed."""
    raw = bytearray(case.packed())
    place = case.random.randrange(raw.index(b"\n") + 1, len(raw))
    raw[place] ^= 1 << case.random.randrange(8)
    case.raw = bytes(raw)


TAMPERINGS: Mapping[str, Tampering] = {
    name: each
    for name, each in list(globals().items())
    if not name.startswith("_") and getattr(each, "__annotations__", {}) == {"case": Case, "return": None}
}
