"""Full examples of the contracts of `health_check`."""

from pydantic import BaseModel

from atlas.contracts import health as h

_CHECK = h.Check(
    part="blobs", status="failing", milliseconds=1.5, detail="no space left", mend="Free space"
)
_PART = h.PartHealth(**_CHECK.model_dump(), since=1.5, strikes=2, told="degraded", untold="failing")
_TRANSITION = h.Transition(
    part="blobs",
    before="ok",
    after="failing",
    since=1.5,
    detail="no space left",
    mend="Free space",
)

EXAMPLES: list[BaseModel] = [
    h.HealthRequest(alert=False, trigger="schedule"),
    _CHECK,
    _PART,
    _TRANSITION,
    h.HealthResult(
        status="failing",
        checked_at=2.5,
        checks=[_PART],
        transitions=[_TRANSITION],
        delivered=False,
        pending=1,
        message="alerts.example answered 503",
        figures={"schedules.skipped:hourly_collection": 3.0},
    ),
    h.CheckConcern(concern="schedules", before={"schedules.skipped:hourly_collection": 3.0}),
    h.Checked(checks=[_CHECK], unknown=["sources"], figures={"quarantine.pages": 2.0}),
    h.TellHealth(
        key="0190", at=2.5, checks=[_CHECK], unknown=["sources"], before=[_PART], alert=False
    ),
    h.HealthTold(parts=[_PART], transitions=[_TRANSITION], delivered=False, message="answered 503"),
]
