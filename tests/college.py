"""What is said in the worked example of the College's guide? Dates, people and figures are invented.

Calls for service are not attended within the published times, non-emergency calls are abandoned, and a poor
understanding of demand is behind both.
"""

from tests.plans import AVON, KENT, MEASURE
from tests.service import Record

ATTENDED, ABANDONED = "attended-in-time", "abandoned"
PARTNERS = ("home_office", "hmicfrs", "college")
OF_FORCE: Record = {"force_code": AVON}

WITHIN = {f"{duty}_within_days": number for duty, number in (("draft", 28), ("share", 42), ("submit", 49))}
WITHIN |= {"present_within_days": 56}
AT_THREE = OF_FORCE | {"level_code": "level-3", "decided_by": "PPMG", "starts_on": "2026-11-16"}
AT_THREE |= {"reason": "Two enduring concerns with one cause"}
MEASURES = [
    MEASURE | {"code": ATTENDED, "name": "Calls attended in time", "direction": "increase"},
    MEASURE | {"code": ABANDONED, "name": "Calls abandoned", "direction": "decrease"},
]
FIGURES = [
    ("2026-11", "61.2", "14.6"),
    ("2026-12", "63.8", "13.1"),
    ("2027-01", "68.7", "9.9"),
]
PPMG = {"title": "PPMG, December", "kind": "ppmg", "held_on": "2026-12-10", "updates_due_on": "2026-12-03"}

_FOUND: Record = {"source": "ppmg", "identified_by": "PPMG, November 2026", "identified_on": "2026-11-16"}
_FOUND |= {"evidence": "National return, page 4"}
ATTENDANCE = _FOUND | {"title": "Calls are not attended within the published times", "measure_codes": [ATTENDED]}
ABANDONMENT = _FOUND | {"title": "101 calls are abandoned", "measure_codes": [ABANDONED]}
DEMAND: Record = {"title": "Demand is poorly understood", "source": "force", "identified_by": "Root cause analysis"}
DEMAND |= {"identified_on": "2026-11-20", "measure_codes": [ATTENDED]}
ANALYSIS = OF_FORCE | {"title": "Why calls wait", "method": "five_whys", "conducted_on": "2026-11-20"}
ANALYSIS |= {"conducted_by": "Improvement team"}

TITLES = ("One model of demand", "Shifts that follow the calls", "A call back for who waits")
DAYS = {"starts_on": "2026-12-01", "ends_on": "2027-05-31"}
ACTION: Record = {"description": "Agree, build, publish.", "lead": "Superintendent", "resources": "Two analysts"}
ACTION |= {"intended_outputs": ["In use in each district"], "starts_on": "2026-12-01", "due_on": "2027-03-31"}
BOARD = OF_FORCE | {"level": "force", "challenges": True, "escalates": True}
PLAN: Record = DAYS | {"lead": "Deputy Chief Constable", "governance": "The demand board looks at each action weekly."}
PLAN |= {"timeline": "Milestones fall a week before PPMG.", "response_priorities": "Demand, behind both, is first."}
PLAN |= {"review_interval_days": 30, "partner_review_interval_days": 90}
MILESTONES = ("2026-12-08", "2027-02-01", "2027-03-01")
_CHOSEN = {"discussed_on": "2026-11-23", "discussed_with": "The College", "discussion": "What Kent did was looked at."}
_ASKED = _CHOSEN | {"origin": "external", "status": "asked", "asked_on": "2026-11-23", "topic": "Control rooms"}
SUPPORT: list[Record] = [
    _CHOSEN | {"title": "Our analysts", "kind": "own_force", "origin": "internal"},
    _ASKED | {"title": "Control rooms", "kind": "college_resource"},
    _ASKED | {"title": "A visit", "kind": "peer_support", "provider_force_code": KENT},
]
EVENT: Record = _ASKED | {"title": "Event on control rooms", "kind": "knowledge_sharing_event", "intensive": True}
EVENT |= {"intensive_reason": "Three quarters without change"}
EVENT_ENDED: Record = {
    "status": "ended",
    "answered_on": "2026-12-01",
    "started_on": "2027-02-20",
    "ended_on": "2027-02-20",
}
EVENT_ENDED |= {"attending_force_codes": [AVON, KENT], "outcome": "Two forces use the model"}
_BANDS = [{"name": name, "from_score": start} for name, start in (("low", 1), ("medium", 5), ("high", 9))]
SCALE = OF_FORCE | {"title": "4x4", "size": 4, "valid_from": "2026-04-01", "bands": _BANDS}
BARRIER = {"title": "The supplier is late", "kind": "barrier", "likelihood": 3, "impact": 4, "raised_on": "2026-11-23"}
MITIGATION = {"title": "A penalty", "owner": "Head of contact", "status": "agreed"}
ASSURANCE: Record = {
    "title": "Dip samples",
    "what": "Calls closed unattended",
    "method": "dip_sample",
    "by_whom": "Audit",
}
ASSURANCE |= {"every_days": 30}
LASTING = {"title": "A permanent demand team", "description": "Three posts in the budget.", "owner": "Head of demand"}

AGREED = {"answer": "agreed", "answered_on": "2026-11-30", "comments": "Support as asked"}
ACCEPTED = {"outcome": "accepted", "comments": "Tell us in March how shifts go."}
PROGRESS: Record = {"reported_on": "2027-02-10", "reported_by": "Deputy Chief Constable", "brag": "amber"}
PROGRESS |= {"narrative": "Shifts are late.", "percent_complete": 45}
CHECK = {"done_on": "2027-02-09", "place_tested": "North", "finding": "Two of nine were wrong", "outcome": "mixed"}
JUDGED = OF_FORCE | {"measure_code": ATTENDED, "heading": "capacity", "judgement": "weak", "assessor": "Audit"}
JUDGED |= {"assessed_on": "2027-02-09", "text": "Too few cars on Saturdays."}
TESTED = OF_FORCE | {"kind": "reality_test", "title": "A night out", "location": "North", "told_on": "2027-02-08"}
TESTED |= {"text": "Nobody knew the profile.", "measure_codes": [ATTENDED]}
REVIEW: Record = {"planned_on": "2027-02-10", "held_on": "2027-02-10", "attendees": ["Demand board"]}
REVIEW |= {"decisions": ["Begin shifts a week early"], "next_on": "2027-03-10"}
ESCALATION = {"title": "No budget for cars", "raised_on": "2027-02-10", "reason": "Above the board's limit"}
RESOLVED = {"result": "Paid from the reserve", "resolved_on": "2027-02-10"}
PRACTICE = {"title": "Shifts that follow the calls", "done": "Planned by hour", "result": "worked"}
PRACTICE |= {"status": "submitted", "submitted_on": "2027-05-28"}
HELD = {"done_on": "2027-09-01", "holds": True, "finding": "Seven in ten are attended in time"}
