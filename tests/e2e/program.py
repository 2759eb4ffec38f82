"""The program under test, and the calls that the tests make of it.

INCIDENT_MCP names the program; without it, it is the checkout's debug build.
"""

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("INCIDENT_MCP", ROOT / "target" / "debug" / "incident-mcp")).resolve()
if not PROGRAM.is_file():
    raise SystemExit(f"there is no program to test at {PROGRAM}; run scripts/test")

#: An active incident manager, who may do almost anything.
MANAGER = "6"

#: A lookup's arguments, for any table.
LOOKUP = {"limit": 2, "acting_user": MANAGER}

METRIC = {
    "incident_id": "15",
    "metric_type": "resolution_time",
    "calculated_value_minutes": 12,
    "recorded_by_user": MANAGER,
}

#: The same of an incident that is not closed.
HALTING = METRIC | {"incident_id": "27"}

#: Two faults of shape, a name that is not known and one that is missing.
WRONG = {"incident": "15", "metric_type": "resolutiontime", "calculated_value_minutes": "12"}
WRONG_FIELDS = {"incident", "incident_id", "metric_type", "calculated_value_minutes"}

NOTE = {"incident_id": "30", "note": "The line card is on its way.", "acting_user": MANAGER}

#: By policy: a write that goes through, and the name of the identifier that it gives.
WRITES = {
    "all": ("log_metric", METRIC, "metric_id"),
    "problem-to-review": ("log_metric", METRIC, "metric_id"),
    "incident-operations": ("add_incident_update", NOTE, "update_id"),
    "change-and-resolution": (
        "submit_change_request",
        {"title": "Replace the line card", "change_type": "normal", "risk_level": "low", "requesting_user": "12"},
        "change_id",
    ),
    "client-user-vendor": (
        "create_vendor",
        {
            "vendor_name": "Fairlead Fibre",
            "vendor_email": "desk@fairlead.example",
            "vendor_phone": "+1-555-0199",
            "vendor_type": "infrastructure_provider",
            "acting_user": "1",
        },
        "vendor_id",
    ),
    "it-incident-management": (
        "create_product",
        {"product_name": "Sounding Line", "product_type": "monitoring_tool", "acting_user": "1"},
        "product_id",
    ),
}


def environment() -> dict[str, str]:
    """The environment without what would set the program up."""
    return {name: value for name, value in os.environ.items() if not name.startswith("INCIDENT_MCP_")}


def committed_tools(policy: str) -> list:
    """The tool list of a policy as it is committed."""
    return json.loads((ROOT / "tools" / f"{policy}.json").read_text(encoding="utf-8"))["tools"]
