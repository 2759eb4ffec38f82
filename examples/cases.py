"""What the examples have their agents do: requests, the right calls, and what a scripted model does about them."""

from dataclasses import dataclass, field
from typing import Any

from incident_episodes import Call


@dataclass(frozen=True)
class Turn:
    """What the model says in one turn, and the call that it makes, if any."""

    says: str
    tool: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A request of a user, gold that fulfils it, and a model's turns that meet a halt on the way."""

    id: str
    actor: str
    request: str
    gold: tuple[Call, ...]
    turns: tuple[Turn, ...]

    @property
    def settings(self) -> dict[str, str]:
        """What its episodes are created with."""
        return {"policy": "all", "mode": "enforce", "actor": self.actor}

    def script(self, gives_up: bool = False) -> tuple[Turn, ...]:
        """The turns; a model that gives up leaves its halt, which is what the second call gets, as it is."""
        return (*self.turns[:2], Turn("That is not possible.")) if gives_up else self.turns


METRIC = {
    "incident_id": "16",
    "metric_type": "resolution_time",
    "calculated_value_minutes": 2940,
    "target_minutes": 4320,
}
CLOSING = {"incident_id": "16", "change_set": {"status": "closed"}}
CLOSED = {"action": "update", "entity_type": "incident", "entity_id": "16", "changed_fields": "status"}
MEASURED = {"action": "create", "entity_type": "performance_metric", "entity_id": "28"}

WRAP_UP = Case(
    id="wrap-up",
    actor="6",
    request="Wrap up incident 16, the lobby screens: log how long its resolution took, 2940 minutes, against a target "
    "of 4320, and see that it ends up closed.",
    gold=(("update_incident", CLOSING), ("log_audit", CLOSED), ("log_metric", METRIC), ("log_audit", MEASURED)),
    turns=(
        Turn("I look at the incident first.", "find_incidents", {"incident_id": "16"}),
        Turn("I record the metric.", "log_metric", METRIC),
        Turn("It has to be closed before, which was asked for anyway.", "update_incident", CLOSING),
        Turn("The change owes an audit entry.", "log_audit", CLOSED),
        Turn("Now the metric again.", "log_metric", METRIC),
        Turn("It owes one too.", "log_audit", MEASURED),
        Turn("Incident 16 is closed, and its resolution time is recorded."),
    ),
)

VENDOR = {
    "vendor_name": "Fairlead Fibre",
    "vendor_email": "desk@fairlead.example",
    "vendor_phone": "+1-555-0199",
    "vendor_type": "infrastructure_provider",
}
TAKEN_ON = {"action": "create", "entity_type": "vendor", "entity_id": "9"}

TAKE_ON_VENDOR = Case(
    id="take-on-vendor",
    actor="1",
    request="Register Fairlead Fibre, an infrastructure provider: desk@fairlead.example, +1-555-0199.",
    gold=(("create_vendor", VENDOR), ("log_audit", TAKEN_ON)),
    turns=(
        Turn("I see whether it is known.", "find_vendors", {"vendor_name_contains": "Fairlead"}),
        Turn("It is not.", "create_vendor", VENDOR | {"vendor_type": "infrastructure"}),
        Turn("That type is spelled otherwise.", "create_vendor", VENDOR),
        Turn("The vendor owes an audit entry.", "log_audit", TAKEN_ON),
        Turn("Fairlead Fibre is registered."),
    ),
)

CASES = (WRAP_UP, TAKE_ON_VENDOR)


def case(id: str) -> Case:
    """The case of that name."""
    return next(case for case in CASES if case.id == id)
