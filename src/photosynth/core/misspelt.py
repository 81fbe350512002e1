"""Misspelt: the field that was probably meant when a record refuses a key that it does not know."""

from __future__ import annotations

import difflib
import re
from typing import Any

import msgspec
from msgspec import inspect

UNKNOWN = re.compile(r"unknown field `([^`]*)`(?: - at `\$([^`]*)`)?")
"""What msgspec says of such a key, with its place such as ``.camera`` or ``.blend[0].recipe``."""
STEP = re.compile(r"\.[^.\[`]+|\[\d+\]|\[\.\.\.\]")
"""A field, an item of a list, or any value of a dict."""


def suggestion(complaint: str, value: Any, kind: Any) -> str:
    """``"; did you mean `focal_rel`?"``, or nothing if the complaint is about something else or no field is near.

    Args:
        complaint: msgspec's.
        value: the dicts and lists that were to become a record.
        kind: the type of the record.
    """
    found = UNKNOWN.search(complaint)
    if found is None:
        return ""
    wrong, place = found[1], found[2] or ""
    types, values = _members(inspect.type_info(kind)), [value]
    for step in (part.lstrip(".") for part in STEP.findall(place)):
        types = [member for outer in types for inner in _inside(outer, step) for member in _members(inner)]
        values = [inner for outer in values for inner in _values_inside(outer, step)]
    tags = {holder.get("kind") for holder in values if isinstance(holder, dict) and wrong in holder}
    records = [one for one in types if isinstance(one, inspect.StructType) and (one.tag is None or one.tag in tags)]
    names = sorted({field.encode_name for record in records for field in record.fields})
    near = difflib.get_close_matches(wrong, names, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _members(kind: inspect.Type) -> list[inspect.Type]:
    return list(kind.types) if isinstance(kind, inspect.UnionType) else [kind]


def _inside(kind: inspect.Type, step: str) -> list[inspect.Type]:
    """The types of a record's field of that name, or of what a list or a dict holds."""
    if isinstance(kind, inspect.StructType):
        return [field.type for field in kind.fields if field.encode_name == step]
    if isinstance(kind, inspect.DictType):
        return [kind.value_type]
    if isinstance(kind, inspect.TupleType):
        return [kind.item_types[int(step.strip("[]"))]]
    return [kind.item_type] if isinstance(kind, inspect.CollectionType) else []


def _values_inside(value: Any, step: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values()) if step == "[...]" else [value[step]]
    return [value[int(step.strip("[]"))]]


def plain_json(data: bytes | str) -> Any:
    """The dicts and lists of a JSON text; None if it is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError):
        return None
