"""The functions of text, as `table.py` has them."""

from __future__ import annotations

from functools import partial

from ...snapshot.types import ANY, BOOLEAN, NUMBER, STRING, array, maybe
from . import edit, text
from .function import Cost, function, later

_text = partial(function, "Text")
OF_TEXT = (
    _text(
        *("capture(text, pattern)", "string string", maybe(array(maybe(STRING))), edit.capture),
        checks={"pattern": partial(text.regex, function="capture")},
        cost=Cost(place=1, built=True, expands=2),
        says="what the groups of a regular expression match, or all of it if it has none; null where it is not found",
        example=("capture('db.r5.xlarge', '^db\\.([a-z]+)([0-9]+)')", ["r", "5"]),
    ),
    _text(
        *("compare_versions(version, other)", "string string", NUMBER, edit.compare_versions),
        says="-1, 0 or 1: it is older than the other, the same, or newer",
        example=("compare_versions('8.0.32', '8.0.4')", 1),
    ),
    _text(
        *("ends_with(text, end)", "string string", BOOLEAN),
        compares=True,
        example=("ends_with('trail.log', '.log')", True),
    ),
    _text(
        *("find_first(text, part, start?, end?)", "string string number number", maybe(NUMBER), edit.find_first),
        says="where the part first stands, from 0; null if it does not",
        example=("find_first('a-b-c', '-')", 1),
    ),
    _text(
        *("find_last(text, part, start?, end?)", "string string number number", maybe(NUMBER), edit.find_last),
        says="where the part last stands",
        example=("find_last('a-b-c', '-')", 3),
    ),
    _text(
        *("join(separator, list)", "string array", STRING, text.join),
        cost=Cost(product=1),
        says="text as it is, anything else as JSON",
        example=("join(', ', `[\"a\", 22, null]`)", "a, 22, null"),
    ),
    _text(
        *("like(text, pattern)", "array|string array|string", BOOLEAN, later("policy_document", "like")),
        compares=True,
        cost=Cost(product=8),
        says="as in IAM: `*` stands for any text, `?` for any character; of two lists, some text is like some pattern",
        example=("like('s3:getobject', 's3:get*')", True),
    ),
    _text(
        *("lower(text)", "string", STRING, text.lower),
        says="in lower case",
        example=("lower('SUCCESS')", "success"),
    ),
    _text(
        *("matches(text, pattern)", "string string", BOOLEAN, text.matches),
        compares=True,
        checks={"pattern": text.regex},
        cost=Cost(place=1, built=True),
        says="a regular expression is found in it",
        example=("matches('CreateTrail', '^(Create|Delete)')", True),
    ),
    _text(
        *("pad_left(text, width, character?)", "string number string", STRING, edit.pad_left),
        cost=Cost(expands=16),
        says="so wide, with blanks or the character before it",
        example=("pad_left('7', `3`, '0')", "007"),
    ),
    _text(
        *("pad_right(text, width, character?)", "string number string", STRING, edit.pad_right),
        cost=Cost(expands=16),
        says="the same, after it",
        example=("pad_right('7', `3`, '.')", "7.."),
    ),
    _text(
        *("parse_json(text)", "string", ANY, text.parse_json),
        cost=Cost(parts=4, expands=8),
        says="the value that JSON in a text stands for",
        example=("parse_json('{\"Version\": 1}').Version", 1),
    ),
    _text(
        *("replace(text, old, new, count?)", "string string string number", STRING, edit.replace),
        cost=Cost(product=64, expands=64),
        says="with the new in place of each old, or of so many",
        example=("replace('a.b.c', '.', '-')", "a-b-c"),
    ),
    _text(
        *("split(text, separator, count?)", "string string number", array(STRING), text.split),
        cost=Cost(expands=2),
        says="the parts between separators",
        example=("split('alias/aws/s3', '/')", ["alias", "aws", "s3"]),
    ),
    _text(
        *("starts_with(text, start)", "string string", BOOLEAN),
        compares=True,
        example=("starts_with('alias/aws/s3', 'alias/aws/')", True),
    ),
    _text(
        *("substitute(text, pattern, replacement)", "string string string", STRING, edit.substitute),
        checks={"pattern": partial(text.regex, function="substitute")},
        cost=Cost(place=1, built=True, product=64, expands=64),
        says="with the replacement for each match of a regular expression; `\\1` in it is the first group",
        example=("substitute('2026-01-31', '([0-9]+)-([0-9]+)', '\\2/\\1')", "01/2026-31"),
    ),
    _text(
        *("title(text)", "string", STRING, edit.title),
        says="each word with a capital",
        example=("title('owner team')", "Owner Team"),
    ),
    _text(
        *("to_number(text)", "any", maybe(NUMBER), text.to_number),
        says="the number that the text is in JSON; null for other text",
        example=("to_number('90')", 90),
    ),
    _text("to_string(value)", "any", STRING, says="JSON, but text as it is", example=("to_string(`[1]`)", "[1]")),
    _text(
        *("trim(text, characters?)", "string string", STRING, edit.trim),
        says="without blanks, or any of the characters, at both ends",
        example=("trim('  a b ')", "a b"),
    ),
    _text(
        *("trim_left(text, characters?)", "string string", STRING, edit.trim_left),
        says="at the beginning",
        example=("trim_left('--a-', '-')", "a-"),
    ),
    _text(
        *("trim_right(text, characters?)", "string string", STRING, edit.trim_right),
        says="at the end",
        example=("trim_right('--a-', '-')", "--a"),
    ),
    _text(
        *("upper(text)", "string", STRING, edit.upper),
        says="in upper case",
        example=("upper('de')", "DE"),
    ),
)
