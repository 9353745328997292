"""Can whoever does not trust the service make sure, from what it answers, that its ledger only grew?"""

import httpx

from pip_api.ledger import heads
from pip_api.ledger.envelope import canonical, digest_of
from pip_api.ledger.tree import leaf_hash, verify_consistency, verify_inclusion
from tests.plans import AVON, CONCERN, KENT, a_concern, changed
from tests.service import Record, Service, refused

LOG = "/v1/audit-log"


async def head_of(caller: httpx.AsyncClient, **asked: object) -> heads.Head:
    """A head, by the keys that are published, which says what the answer around it says."""
    answer = await caller.get(f"{LOG}/checkpoint", params={name: str(value) for name, value in asked.items()})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    head = heads.verify(told["head"], heads.keys_of((await caller.get(f"{LOG}/keys")).json()))
    assert (head.log_id, head.tree_size, head.root.hex()) == (told["log_id"], told["tree_size"], told["root_hash"])
    return head


async def test_a_head_can_be_kept_and_the_log_held_against_it(service: Service, lead: httpx.AsyncClient) -> None:
    concern = await a_concern(lead)
    sizes = [await service.seal()]
    for number in range(9):
        concern = (await changed(lead, "/v1/concerns", concern, title=f"Change {number}")).json()
        sizes.append(sizes[-1] + await service.seal())
    newest = await head_of(lead)
    assert newest.tree_size == sizes[-1] == sizes[0] + 9
    for first in sizes:
        for second in sizes:
            if first > second:
                continue
            answer = await lead.get(f"{LOG}/consistency", params={"from": first, "to": second})
            proof = [bytes.fromhex(each) for each in answer.json()["proof"]]
            roots = [(await head_of(lead, tree_size=size)).root for size in (first, second)]
            verify_consistency(first, second, roots[0], roots[1], proof)
    answer = (await lead.get(f"{LOG}/consistency", params={"from": sizes[0]})).json()
    assert (answer["from"], answer["to"], answer["log_id"]) == (sizes[0], sizes[-1], "2026")
    tagged = await lead.get(f"{LOG}/checkpoint")
    again = await lead.get(f"{LOG}/checkpoint", headers={"If-None-Match": tagged.headers["etag"]})
    assert again.status_code == 304


async def test_what_was_never_signed_is_not_there(service: Service, lead: httpx.AsyncClient) -> None:
    refused(await lead.get(f"{LOG}/checkpoint"), 404, "not_found")
    size = await service.seal()
    for query in ("tree_size=1", f"tree_size={size + 1}", "log_id=2025", "log_id=2025&tree_size=1"):
        refused(await lead.get(f"{LOG}/checkpoint?{query}"), 404, "not_found")
    for query in ("log_id=26", "log_id=abcd", "tree_size=-1", "tree_size=x", "tree_size=1.0", "tree_size=" + "9" * 16):
        refused(await lead.get(f"{LOG}/checkpoint?{query}"), 400, "invalid_parameter")
    for query in ("", "from=0", f"from={size + 1}", f"from=1&to={size + 1}", "from=2&to=1", "from=x"):
        refused(await lead.get(f"{LOG}/consistency?{query}"), 400, "invalid_parameter")


async def test_each_log_has_heads_of_its_own(service: Service, lead: httpx.AsyncClient) -> None:
    last_year = await service.seal()
    service.clock.forward(days=60)
    lead = await service.again(lead)
    await a_concern(lead)
    await service.seal()
    assert (await head_of(lead)).log_id == "2027"
    assert (await head_of(lead)).tree_size == 1
    assert (await head_of(lead, log_id="2026")).tree_size == last_year


async def proved(caller: httpx.AsyncClient, id: str, **asked: object) -> Record:
    """The proof of an entry, after it was checked by the keys that are published."""
    answer = await caller.get(
        f"/v1/audit-events/{id}/proof", params={name: str(value) for name, value in asked.items()}
    )
    assert answer.status_code == 200, answer.text
    told: Record = answer.json()
    head = heads.verify(told["head"], heads.keys_of((await caller.get(f"{LOG}/keys")).json()))
    leaf = leaf_hash(canonical(told["envelope"]))
    assert leaf.hex() == told["leaf"]
    assert told["envelope"]["body_digest"] == digest_of(bytes.fromhex(told["salt"]), canonical(told["body"])).hex()
    proof = [bytes.fromhex(each) for each in told["proof"]]
    verify_inclusion(leaf, told["leaf_index"], head.tree_size, proof, head.root)
    assert (told["tree_size"], told["log_id"]) == (head.tree_size, head.log_id)
    return told


async def test_an_entry_is_proved_to_whoever_audits_it(service: Service, admin: httpx.AsyncClient) -> None:
    own, other = await service.caller("auditor", f"force:{AVON}"), await service.caller("auditor", f"force:{KENT}")
    every = await service.caller("auditor")
    answer = await admin.post("/v1/concerns", json={**CONCERN, "title": "Proved"})
    id = answer.headers["audit-event"]
    refusal = await own.get(f"/v1/audit-events/{id}/proof")
    assert refused(refusal, 404, "not_sealed_yet")
    assert refusal.headers["retry-after"] == "1"
    size = await service.seal()
    await a_concern(admin, force_code=KENT)
    await service.seal()
    for caller in (own, every):
        told = await proved(caller, id)
        assert told["tree_size"] > size
        assert (told["envelope"]["id"], told["envelope"]["act"]) == (id, "concern.created")
        assert told["body"]["state"]["title"] == "Proved"
        assert (await proved(caller, id, tree_size=size))["tree_size"] == size
    refused(await own.get(f"/v1/audit-events/{id}/proof?tree_size={told['leaf_index']}"), 400, "invalid_parameter")
    refused(await own.get(f"/v1/audit-events/{id}/proof?tree_size=99999"), 404, "not_found")
    hidden = await other.get(f"/v1/audit-events/{id}/proof")
    missing = await other.get("/v1/audit-events/01890000-0000-7000-8000-00000000ffff/proof")
    assert refused(hidden, 404, "not_found")["detail"] == refused(missing, 404, "not_found")["detail"]
    refused(await admin.get(f"/v1/audit-events/{id}/proof"), 403, "permission_denied")
    region = (await every.get("/v1/audit-events?action=region.created&limit=1")).json()["items"][0]["id"]
    await proved(every, region)
    refused(await own.get(f"/v1/audit-events/{region}/proof"), 404, "not_found")
