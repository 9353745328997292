"""Bundles to check and to tamper with, made without a service."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from pip_api.access.keys import SigningKey
from pip_api.ledger.bundle import line
from pip_api.ledger.envelope import body_of, canonical, digest_of, envelope_of, seal, sealable
from pip_api.ledger.heads import COSIGNATURE, Head, log_of, sign
from pip_api.ledger.tree import Frontier, consistency_proof, inclusion_proof, leaf_hash

Record = dict[str, Any]

KEY, WITNESS, STRANGER = (SigningKey(ec.derive_private_key(number, ec.SECP256R1())) for number in (11, 12, 13))
FORGER, FALSE_WITNESS = (SigningKey(ec.derive_private_key(number, ec.SECP256R1())) for number in (14, 15))
FORGER.kid, FALSE_WITNESS.kid = KEY.kid, WITNESS.kid  # which they have not
BEGAN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
NOUNS = ("action", "concern", "pip")


def uid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


@dataclass
class Log:
    """The tree of one log, as a sealer keeps it."""

    frontier: Frontier = field(default_factory=Frontier)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    lines: list[Record] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def proof(self, index: int, size: int) -> list[str]:
        return [each.hex() for each in inclusion_proof(index, size, self.node)]

    def consistency(self, first: int, second: int) -> list[str]:
        return [each.hex() for each in consistency_proof(first, second, self.node)]


class Ledger:
    """What happened to some rows, sealed as it came."""

    def __init__(self, random: Random, began: datetime = BEGAN) -> None:
        self.random = random
        self.now = began
        self.rows: dict[UUID, Record] = {}
        self.nouns: dict[UUID, str] = {}
        self.logs: dict[str, Log] = {}
        self.unsealed: list[Record] = []
        self.actors = [(uid(random), f"Officer {n}") for n in range(3)]

    def happens(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += timedelta(milliseconds=self.random.randint(1, 400))
            chance = self.random.random()
            if chance < 0.1:
                self.denied()
            elif chance < 0.5 or not self.rows:
                self.created()
            else:
                self.changed(self.random.choice(list(self.rows)))

    def created(self) -> UUID:
        id = uid(self.random)
        self.nouns[id] = self.random.choice(NOUNS)
        row = {
            "id": id,
            "version": 1,
            "title": f"Éx {self.random.randint(0, 99)}",
            "force_code": self.random.choice(["kent", "avon-and-somerset"]),
            "target": self.random.choice([None, 5, True]),
            "tags": ["a", "b"],
        }
        self._entry("created", row, [{"op": "add", "path": "", "value": row}])
        return id

    def changed(self, id: UUID) -> None:
        before = self.rows[id]
        row = {**before, "version": before["version"] + 1, "title": f"Changed {self.random.randint(0, 10**6)}"}
        names = ("title", "version")
        self._entry("changed", row, [{"op": "replace", "path": f"/{name}", "value": row[name]} for name in names])

    def denied(self) -> None:
        self._append("denied", "pip.read", "pip", {"operation": "readPip"}, [])

    def redacts(self, entries: Sequence[Record], asked_by: str = "one", approved_by: str = "another") -> None:
        """Takes the bodies of sealed entries away."""
        state = {"entries": [each["envelope"]["id"] for each in entries], "legal_basis": "DPA 2018 s. 47"}
        state |= {"asked_by": asked_by, "approved_by": approved_by}
        self._append("redaction", "redaction.approved", "redaction", state, [])
        for each in entries:
            del each["body"], each["salt"]
            each["redacted_by"] = str(self.unsealed[-1]["id"])

    def _entry(self, act: str, row: Record, patch: list[Record]) -> None:
        self.rows[row["id"]] = row
        noun = self.nouns[row["id"]]
        self._append("change", f"{noun}.{act}", noun, row, patch, row["id"], row["version"], row["force_code"])

    def _append(
        self,
        kind: str,
        act: str,
        noun: str,
        state: Record,
        patch: list[Record],
        subject_id: UUID | None = None,
        version: int | None = None,
        force_code: str | None = None,
    ) -> None:
        actor, name = self.random.choice(self.actors)
        self.unsealed.append(
            {
                "id": uid(self.random),
                "at": self.now,
                "kind": kind,
                "act": act,
                "noun": noun,
                "subject_id": subject_id,
                "subject_ref": f"ref-{self.random.randint(0, 99)}",
                "version": version,
                "force_code": force_code,
                "actor_type": "person",
                "actor_id": actor,
                "actor_name": name,
                "client_id": "console",
                "credential_id": self.random.choice([None, actor]),
                "request_id": str(uid(self.random)),
                "reason": self.random.choice([None, "Agreed at triage"]),
                "overridden": False,
                "state": state,
                "patch": patch,
            }
        )

    def seal(self, key: SigningKey = KEY) -> None:
        """All that waits, with one head for each log that grew."""
        grown = []
        for entry in self.unsealed:
            salt = self.random.randbytes(32)
            sealed = seal(entry, salt)
            log_id = log_of(entry["at"])
            log = self.logs.setdefault(log_id, Log())
            grown.append(log_id)
            log.lines.append(
                {
                    "log_id": log_id,
                    "leaf_index": log.frontier.size,
                    "leaf": sealed.leaf.hex(),
                    "envelope": envelope_of(entry, sealed.body_digest),
                    "body": body_of(entry),
                    "salt": salt.hex(),
                }
            )
            for level, index, each in log.frontier.append(sealed.leaf):
                log.nodes[level, index] = each
        self.unsealed.clear()
        for log_id in dict.fromkeys(grown):
            log = self.logs[log_id]
            log.heads.append(Head(log_id, log.frontier.size, log.frontier.root(), self.now))


def grown(random: Random, entries: int = 32, rounds: int = 4) -> Ledger:
    """A ledger of so many entries, sealed in rounds, and of a redaction of an earlier version."""
    ledger = Ledger(random)
    id = ledger.created()
    ledger.changed(id)
    for _ in range(rounds):
        ledger.happens(entries // rounds)
        ledger.seal()
    ledger.redacts(ledger.logs["2026"].lines[:1])
    ledger.seal()
    return ledger


Line = tuple[str, Record]


def exported(
    ledger: Ledger, *, full: bool = True, since: Head | None = None, witnesses: Iterable[SigningKey] = ()
) -> list[Line]:
    """A bundle of a ledger as lines: everything, or what concerns Kent."""
    logs = dict(sorted(ledger.logs.items()))
    header: Record = {
        "format": 1,
        "full": full,
        "every_head": True,
        "logs": [{"log_id": log_id, "tree_size": log.frontier.size} for log_id, log in logs.items()],
        "other_logs": [],
        "states": list(NOUNS),
    }
    heads = [{"head": sign(head, KEY)} for log in logs.values() for head in log.heads]
    links = [] if full else [link for log_id, log in logs.items() for link in _links(log_id, log, since)]
    entries = [_shown(log, each, full) for log in logs.values() for each in log.lines if full or _concerns_kent(each)]
    rows = [row for row in ledger.rows.values() if full or row["force_code"] == "kent"]
    states = [{"noun": ledger.nouns[row["id"]], "id": str(row["id"]), "row": sealable(row)} for row in rows]
    seen = [log.heads[-1] for log in logs.values()]
    told = [{"cosignature": sign(head, witness, COSIGNATURE)} for witness in witnesses for head in seen]
    parts: list[tuple[str, list[Record]]] = [
        ("bundle", [header]),
        ("head", heads),
        ("consistency", links),
        ("entry", entries),
        ("state", states),
        ("cosignature", told),
    ]
    lines = [(kind, each) for kind, part in parts for each in part]
    return [*lines, ("end", {"lines": len(lines)})]


def _links(log_id: str, log: Log, since: Head | None) -> Iterable[Record]:
    pairs = list(pairwise(head.tree_size for head in log.heads))
    if since is not None and since.log_id == log_id:
        pairs.append((since.tree_size, log.frontier.size))
    for first, second in pairs:
        yield {"log_id": log_id, "first": first, "second": second, "proof": log.consistency(first, second)}


def _concerns_kent(entry: Record) -> bool:
    envelope = entry["envelope"]
    return bool(envelope["force_code"] == "kent" or envelope["kind"] == "redaction")


def _shown(log: Log, entry: Record, full: bool) -> Record:
    return entry if full else {**entry, "proof": log.proof(entry["leaf_index"], log.frontier.size)}


def packed(lines: Iterable[Line]) -> bytes:
    return b"".join(line(kind, **members) for kind, members in lines)


def resealed(entry: Record) -> None:
    """Makes an entry that was tampered with agree with itself again, as whoever has the database can."""
    if "body" in entry:
        entry["envelope"]["body_digest"] = digest_of(bytes.fromhex(entry["salt"]), canonical(entry["body"])).hex()
    entry["leaf"] = leaf_hash(canonical(entry["envelope"])).hex()


def key_file(folder: Path, *keys: SigningKey) -> Path:
    path = folder / f"{'-'.join(key.kid[:4] for key in keys) or 'none'}.json"
    path.write_text(json.dumps({"keys": [key.public_jwk() for key in keys]}))
    return path
