"""The pipelines of a company and their stages, which deals stand in: read-only here."""

from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.checks import invalid
from sandbox.pipedrive.kinds import KINDS

STAGES = (
    "Qualified",
    "Contact Made",
    "Demo Scheduled",
    "Proposal Made",
    "Negotiations Started",
)
NEW_COMPANY: list[dict[str, Any]] = [
    {"id": 1, "name": "Pipeline", "stages": dict(enumerate(STAGES, start=1))}
]


def pipelines(company: Company) -> list[dict[str, Any]]:
    return [
        {"id": pipeline["id"], "name": pipeline["name"], "order_nr": at, "is_deleted": False}
        for at, pipeline in enumerate(company.pipelines or NEW_COMPANY)
    ]


def stages(company: Company) -> list[dict[str, Any]]:
    return [
        {
            "id": int(id),
            "name": name,
            "pipeline_id": pipeline["id"],
            "order_nr": at,
            "is_deleted": False,
        }
        for pipeline in company.pipelines or NEW_COMPANY
        for at, (id, name) in enumerate(pipeline["stages"].items())
    ]


def set_pipeline(company: Company, values: dict[str, Any]) -> dict[str, Any]:
    """Pipeline and stage of a deal that names one of them.

    "a pipeline will be assigned automatically based on the stage_id"; a pipeline alone means its
    first stage, and is ignored beside a stage (Deals, addDeal).
    """
    all_stages = stages(company)
    if (stage_id := values.get("stage_id")) is not None:
        matching = [stage for stage in all_stages if stage["id"] == stage_id]
        wrong = f"stage_id: Stage {stage_id} not found"
    elif (pipeline_id := values.get("pipeline_id")) is not None:
        matching = [stage for stage in all_stages if stage["pipeline_id"] == pipeline_id]
        wrong = f"pipeline_id: Pipeline {pipeline_id} not found"
    else:
        return {}
    if not matching:
        raise invalid(KINDS["deals"], wrong)
    return {"stage_id": matching[0]["id"], "pipeline_id": matching[0]["pipeline_id"]}
