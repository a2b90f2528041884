"""Parameters from files: what a table, a list or a document says, and every fault with its place."""

from __future__ import annotations

import os

import pytest
from stillframe.engine.errors import ConfigError
from stillframe.engine.loading.ruleset import load_rules
from stillframe.snapshot.format import digest

POLICY = """\
id: own
title: t
severity: low
resource: AWS::KMS::Key
assert: KeyId
params: {value: {description: d, default: [], SCHEMA}}
"""
TEXTS, NUMBERS = "type: array, items: {type: string}", "type: array, items: {type: integer}"
REALS = "type: array, items: {type: number}"
ROWS = "type: array, items: {type: object}"


@pytest.fixture
def load(tmp_path):
    """The ruleset of a policy whose parameter has a schema, and is set to what a file of some name has."""

    def write(schema: str, name: str, data: bytes, named: str):
        (tmp_path / "own.yaml").write_text(POLICY.replace("SCHEMA", schema))
        (tmp_path / name).write_bytes(data)
        config = tmp_path / "stillframe.yaml"
        config.write_text(f"policies: [own.yaml]\nshipped: false\nsettings: {{own: {{params: {{value: {named}}}}}}}\n")
        return load_rules(config)

    return write


@pytest.mark.parametrize(
    ("schema", "name", "data", "named", "value"),
    [
        (NUMBERS, "p.csv", b"port\n22\n443\n", "{file: p.csv}", [22, 443]),
        (TEXTS, "p.csv", b"account\n012345678901\n", "{file: p.csv}", ["012345678901"]),
        (
            TEXTS,
            "p.csv",
            b'\xef\xbb\xbfport,team\r\n22,"a, b"\r\n\r\n443,c\r\n',
            "{file: p.csv, column: team}",
            ["a, b", "c"],
        ),
        (ROWS, "p.csv", b"port,team\n22,a\n", "{file: p.csv}", [{"port": "22", "team": "a"}]),
        (TEXTS, "p.csv", b"port\n", "{file: p.csv}", []),
        ("type: array", "p.csv", b"team\na\nNaN\n", "{file: p.csv}", ["a", "NaN"]),
        (NUMBERS, "p.json", b"[22, 443]", "{file: p.json}", [22, 443]),
        (TEXTS, "p.yml", b"- a\n- no\n", "{file: p.yml}", ["a", "no"]),
        ("type: object", "p.json", b'{"file": 1}', "{file: p.json}", {"file": 1}),
    ],
)
def test_a_parameter_is_what_its_file_says(load, schema, name, data, named, value):
    rules = load(schema.replace("type: object", "type: [object, array]"), name, data, named)
    (policy,) = rules.policies
    assert policy.params == {"value": value}
    assert rules.files == {name: digest(data)}


@pytest.mark.parametrize(
    ("schema", "data", "named", "said"),
    [
        (REALS, b"n\nNaN\n", "{file: p.csv}", "parameter value: 'NaN' is not of type 'number'"),
        (REALS, b"n\n-Infinity\n", "{file: p.csv}", "parameter value: '-Infinity' is not of type 'number'"),
        (REALS, b"n\n1e999\n", "{file: p.csv}", "parameter value: '1e999' is not of type 'number'"),
        (REALS, b"[1e999]", "{file: p.json}", "parameter value: '1e999' is not of type 'number'"),
        (
            "type: array",
            b"n\n7\n",
            "{file: p.csv}",
            "parameter value: p.csv may be texts or numbers: give the parameter",
        ),
        (NUMBERS, b"port\nssh\n", "{file: p.csv}", "parameter value: 'ssh' is not of type 'integer'"),
        (TEXTS, b"a,b\n1,2\n", "{file: p.csv, column: c}", "p.csv: there is no column c; there are a, b"),
        (TEXTS, b"a,b\n1\n", "{file: p.csv}", "p.csv: line 2 has 1 values, where there are 2 columns"),
        (TEXTS, b"a,a\n", "{file: p.csv}", "p.csv: the first line names the columns, each by a name of its own"),
        (TEXTS, b'a\n"b', "{file: p.csv}", "p.csv: line 2: unexpected end of data"),
        (TEXTS, b"\xff", "{file: p.csv}", "p.csv: 'utf-8' codec can't decode"),
        (TEXTS, b"a", "{file: p.txt}", "'p.txt' is no file of a value: its name ends in .csv, .json, .yaml, .yml"),
        (TEXTS, b"a", "{file: [a]}", "{'file': ['a']} is not of type 'array'"),
        (TEXTS, b"[", "{file: p.json}", "p.json:2:1: not YAML"),
        (TEXTS, b"[]", "{file: p.json, column: a}", "p.json: only a table, whose name ends in .csv, has columns"),
        (TEXTS, b"", "{file: q.csv}", "q.csv: No such file or directory"),
        (TEXTS, b"", "{file: ../q.csv}", "it leads out of"),
        (TEXTS, b"", "{file: link.csv}", "it leads out of"),
        (TEXTS, b"", "{file: pipe.csv}", "pipe.csv: not a regular file"),
        (TEXTS, b"", "{file: '/etc/hostname.csv'}", "it leads out of"),
        (TEXTS, b"", "{fiel: p.csv}", "{'fiel': 'p.csv'} is not of type 'array'"),
    ],
)
def test_a_file_that_cannot_be_a_value_is_an_error_at_its_place(load, tmp_path, schema, data, named, said):
    (tmp_path / "link.csv").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.csv")
    name = "p.json" if "p.json" in named else "p.csv"
    with pytest.raises(ConfigError) as caught:
        load(schema, name, data, named)
    assert said in str(caught.value)
    assert f"{tmp_path}/stillframe.yaml:3:" in str(caught.value)
