"""GET /openapi.json: one table serves and describes, so the two cannot disagree."""

from typing import Any

import jsonschema_rs

from executor.domain.job import Definition
from executor.domain.schedule import schedule_from_document, schedule_to_document
from tests.web.world import NIGHTLY, World, json_of

#: Read by people, or on the way of a browser; and what the pages need.
PAGES = {
    ("GET", "/"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/start"),
    ("GET", "/login/callback"),
    ("POST", "/logout"),
    ("GET", "/docs"),
    ("GET", "/docs/{part}"),
    ("GET", "/docs/schemas/{schema}"),
    ("GET", "/static/{path:filename}"),
}


def description(world: World) -> dict[str, Any]:
    """Return the OpenAPI document."""
    return json_of(world.get("/openapi.json"))


def test_it_is_openapi_3_1(world: World) -> None:
    """Version, title and the service's own version are there."""
    document = description(world)

    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("Solocron", "1.2.3")


def test_every_served_route_is_described(world: World) -> None:
    """All that Flask serves is in the document, but for the pages and their files."""
    served = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/ui/")
    } - PAGES

    paths = description(world)["paths"]

    assert served == {(method.upper(), path) for path in paths for method in paths[path]}


def test_every_operation_has_a_name_of_its_own(world: World) -> None:
    """Generated clients name their functions after it."""
    paths = description(world)["paths"]
    names = [operation["operationId"] for path in paths.values() for operation in path.values()]

    assert len(names) == len(set(names))


def test_every_schema_is_valid_and_every_reference_leads_somewhere(world: World) -> None:
    """Each component can be compiled together with what it refers to."""
    document = description(world)

    for name in document["components"]["schemas"]:
        jsonschema_rs.Draft202012Validator({**document, "$ref": f"#/components/schemas/{name}"})


def test_the_definition_is_described_by_the_type_that_validates_it(world: World) -> None:
    """Its fields, their documentation and the closedness come from the dataclass."""
    schema = description(world)["components"]["schemas"]["Definition"]

    assert set(schema["properties"]) == set(Definition.__dataclass_fields__)
    assert schema["required"] == ["name", "target"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["retrigger"]["description"]


def test_a_job_is_described_with_all_its_fields(world: World) -> None:
    """The schema of a job has exactly the fields of a job's document."""
    schemas = description(world)["components"]["schemas"]

    assert set(schemas["SoundJob"]["properties"]) == set(world.add(NIGHTLY))


def test_writes_announce_that_they_may_be_answered_later(world: World) -> None:
    """Every write has 202, 409 and 503 with Retry-After; reads have no 202, nor have pings."""
    written_by_get = {"cancel_scheduler_run_by_get"}
    never_later = {"preview_schedule", "post_ping", "post_signal"}
    for path in description(world)["paths"].values():
        for method, operation in path.items():
            responses = operation["responses"]
            name = operation["operationId"]
            writes = name in written_by_get or (method != "get" and name not in never_later)
            assert ("202" in responses) is writes
            assert "Retry-After" in responses["503"]["headers"]


def test_the_schedule_is_described_with_the_fields_that_are_read(world: World) -> None:
    """For each kind the schema has exactly the fields of its document."""
    schema = description(world)["components"]["schemas"]["Schedule"]
    described = {
        kind["properties"]["kind"]["const"]: set(kind["properties"])
        for kind in schema["anyOf"]
        if kind["type"] == "object"
    }
    documents: list[dict[str, object]] = [
        {"kind": "cron", "expression": "* * * * *"},
        {"kind": "interval", "expression": "R/2026-12-01T00:00:00Z/P1D"},
        {"kind": "once", "at": "2026-12-01T00:00:00Z"},
        {"kind": "continuous"},
    ]
    read = [schedule_to_document(schedule_from_document(document)) for document in documents]

    assert described == {str(document["kind"]): set(document) for document in read}
    for document in documents + read:
        assert jsonschema_rs.is_valid(schema, document)


def test_every_body_has_an_example_that_fits_its_schema(world: World) -> None:
    """So has every part of the API its purpose, in words."""
    document = description(world)
    operations = [one for path in document["paths"].values() for one in path.values()]

    contents = [
        content
        for operation in operations
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in content["schema"] and not content["schema"]["$ref"].endswith("/Nothing")
    ]
    for content in contents:
        validator = jsonschema_rs.Draft202012Validator({**document, **content["schema"]})
        assert validator.is_valid(content["example"]), content["schema"]
    described = [tag["name"] for tag in document["tags"] if tag["description"]]
    assert set(described) == {tag for operation in operations for tag in operation["tags"]}
