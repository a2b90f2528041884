"""What people write who come from other languages: each is refused where it stands, with what to write instead."""

from __future__ import annotations

import pytest
from stillframe.engine.errors import EvaluationError, PolicyError
from stillframe.engine.language.infer import infer
from stillframe.engine.language.parser import parse
from stillframe.engine.loading.policies import parse_policy
from stillframe.snapshot.types import BOOLEAN, STRING, array, struct

SLIPS = [
    ("$tags.cost-center == 'x'", 10, "in double quotes"),
    ("$tags.aws:x == 'x'", 9, "in double quotes"),
    ("$tags['Name'] == 'x'", 6, 'a field is written ."Name"'),
    ("Tags[Name]", 5, "a field is written .Name"),
    ("length(A) > 0", 12, "a number is written `0`"),
    ("Size >= -1.5", 8, "a number is written `-1.5`"),
    ("State == 'x' # fine", 13, "a comment stands outside"),
    ("Size + `1`", 5, "there is no arithmetic"),
    ("Size - `1`", 5, "there is no arithmetic"),
    ("Size / `2`", 5, "there is no arithmetic"),
    ("Size * `2`", 5, "there is no arithmetic"),
    ("Size*2", 4, "there is no arithmetic"),
    ("A ? B : C", 2, "there is no ? and :"),
    ("State = 'x'", 6, "compare with =="),
    ("State === 'x'", 8, "compare with == or !="),
    ("State =~ 'x'", 6, "write matches("),
    ("State <> 'x'", 7, "compare with !="),
    ("A and B", 2, "write &&"),
    ("A or B", 2, "write ||"),
    ("not A", 4, "write !"),
    ("A in ['a']", 2, "write contains("),
    ("A not in ['a']", 2, "write contains("),
    ("if A then B", 3, "there is no if"),
    ("A == \u201cx\u201d", 5, "straight single quotes"),
    ("['^(a|b)-, A, '-c$']", 15, "a quote is not closed"),
    ("A;", 1, "without a semicolon"),
]


@pytest.mark.parametrize(("text", "at", "said"), SLIPS, ids=[text for text, *_ in SLIPS])
def test_a_slip_is_told_where_it_stands(text, at, said):
    with pytest.raises(EvaluationError) as caught:
        parse(text)
    assert said in str(caught.value)
    assert caught.value.at == at


CONFIG = struct({"State": STRING, "Rules": array(struct({})), "Open": BOOLEAN}, "Thing")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('State == "available"', "Thing has no field available; text is written in single quotes: 'available'"),
        ("State == None", "Thing has no field None; write `null`"),
        ("Open == True", "Thing has no field True; write `true`"),
        ("Rules.length", "write length(LIST)"),
        ("Rules.x", "write [] or [*] before the field"),
        ("Stat == 'x'", "Thing has no field Stat; did you mean State?"),
    ],
)
def test_what_is_another_s_word_for_something_is_told(text, said):
    assert said in infer(parse(text), CONFIG, {})[1][0].message


@pytest.mark.parametrize(
    ("identity", "said"), [("MyPolicy", "my-policy"), ("my_policy", "my-policy"), ("EC2NoPublicIP", "ec2-no-public-ip")]
)
def test_an_id_that_is_none_is_told_how_to_be_one(identity, said):
    with pytest.raises(PolicyError, match=f"is no id: lower case, digits and hyphens, such as {said}"):
        parse_policy("p.yaml", f"id: {identity}\ntitle: t\nseverity: low\nresource: AWS::EC2::VPC\nassert: IsDefault\n")
