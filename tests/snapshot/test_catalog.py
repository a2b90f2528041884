"""Every entry of the catalogue against botocore's service models."""

from __future__ import annotations

import botocore.loaders
import botocore.model
import botocore.session
import pytest
from stillframe.snapshot.catalog import Call, load_catalog, steps

SESSION = botocore.session.Session()
CALLS = [
    pytest.param(spec, name, call, id=f"{spec.type} {name or 'list'}")
    for spec in load_catalog().values()
    for name, call in [(None, spec.list), *spec.attach.items()]
]


def operation(call: Call) -> botocore.model.OperationModel:
    return SESSION.get_service_model(call.service).operation_model(call.operation)


def walk(shape, path: str):
    """The shape at a simple path such as A.B[].C or A[0]; fails where the model has no such member."""
    for step in path.replace("[0]", ".[]").replace("[]", ".[]").split("."):
        if step == "[]":
            assert shape.type_name == "list", path
            shape = shape.member
        elif step not in ("", "@"):
            assert step in shape.members, f"{path}: {shape.name} has no {step}"
            shape = shape.members[step]
    return shape


def result_shape(call: Call):
    simple = call.result.split("[?")[0]
    return None if simple.startswith("[") else walk(operation(call).output_shape, simple)


@pytest.mark.parametrize(("spec", "name", "call"), CALLS)
def test_the_call_is_one_aws_has(spec, name, call):
    known = operation(call).input_shape
    given = {*call.params, *call.arguments}
    assert given <= set(known.members if known else ())
    assert set(known.required_members if known else ()) <= given, "a required parameter is not given"


@pytest.mark.parametrize(("spec", "name", "call"), CALLS)
def test_the_result_is_in_the_answer(spec, name, call):
    result_shape(call)
    if call.json:
        assert result_shape(call).type_name == "string"


@pytest.mark.parametrize(("spec", "name", "call"), CALLS)
def test_the_call_only_reads(spec, name, call):
    assert call.operation.startswith(("Describe", "Get", "List"))


@pytest.mark.parametrize(("spec", "name", "call"), CALLS)
def test_the_iam_action_names_a_service_and_an_operation(spec, name, call):
    service, _, action = call.action.partition(":")
    assert service in {"sts", "ec2", "s3", "cloudtrail", "config", "kms"}
    assert action.isalnum()


@pytest.mark.parametrize("spec", load_catalog().values(), ids=lambda spec: spec.type)
def test_every_path_is_in_the_model(spec):
    item = None if spec.type == "AWS::Account" else result_shape(spec.list).member
    simple = [
        path for path in (spec.id, spec.name, spec.region, spec.tags) if path and path.replace("_", "a").isalnum()
    ]
    paths = [*simple, *(".".join(path).replace(".[]", "[]") for path in spec.always), *spec.volatile]
    for path in paths:
        first, _, rest = path.partition(".")
        if first in spec.attach:
            shape = result_shape(spec.attach[first])
            if rest and shape is not None:
                walk(shape, rest)
        elif item is not None:
            walk(item, path)


def test_absent_codes_are_only_where_nothing_is_configured():
    absent = {code for spec in load_catalog().values() for call in spec.attach.values() for code in call.absent}
    assert not any(word in code for code in absent for word in ("Denied", "Throttl", "Unauthorized", "Expired"))


def test_a_path_in_steps():
    assert steps("A.B[].C") == ("A", "B", "[]", "C")
