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

CHANGE = {"title": "Replace the line card of the lobby screens", "change_type": "normal", "risk_level": "low"}
REQUESTED = {"action": "create", "entity_type": "change_request", "entity_id": "19"}

REQUEST_CHANGE = Case(
    id="request-change",
    actor="12",
    request="Request a normal change of low risk: replace the line card of the lobby screens. User 6 will approve it.",
    gold=(("submit_change_request", CHANGE), ("log_audit", REQUESTED)),
    turns=(
        Turn("I see who is to approve.", "find_users", {"user_id": "6"}),
        Turn("I request the change.", "submit_change_request", CHANGE | {"approved_by_user": "6"}),
        Turn("The approver is named once the change is approved.", "submit_change_request", CHANGE),
        Turn("The request owes an audit entry.", "log_audit", REQUESTED),
        Turn("The change is requested, for user 6 to approve."),
    ),
)

CASES = (WRAP_UP, REQUEST_CHANGE)


def case(id: str) -> Case:
    """The case of that name."""
    return next(case for case in CASES if case.id == id)
