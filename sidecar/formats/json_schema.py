"""JSON Schema as it stands in tool definitions and response formats.

Its keywords belong to the format; names of properties are the user's, and stay equal to their mentions
in ``required`` because both are looked at in the same way. What it says in prose or by example is text.
"""

from __future__ import annotations

from sidecar.formats.shapes import (
    NAME,
    NUMERIC,
    STRUCTURAL,
    TEXT,
    USER_DATA,
    Shapes,
)

SCHEMA: Shapes = {
    "schema": {
        "type": STRUCTURAL,
        "format": STRUCTURAL,
        "contentEncoding": STRUCTURAL,
        "contentMediaType": STRUCTURAL,
        "$schema": STRUCTURAL,
        "$id": NAME,
        "$ref": NAME,
        "$anchor": NAME,
        "required": NAME,
        "propertyOrdering": NAME,
        "pattern": NAME,
        "title": TEXT,
        "description": TEXT,
        "$comment": TEXT,
        "default": USER_DATA,
        "const": USER_DATA,
        "enum": USER_DATA,
        "example": USER_DATA,
        "examples": USER_DATA,
        "properties.*": "schema",
        "patternProperties.*": "schema",
        "dependentSchemas.*": "schema",
        "dependentRequired": NAME,
        "definitions.*": "schema",
        "$defs.*": "schema",
        "additionalProperties": "schema",
        "unevaluatedProperties": "schema",
        "propertyNames": "schema",
        "items": "schemas",
        "prefixItems[]": "schema",
        "additionalItems": "schema",
        "contains": "schema",
        "anyOf[]": "schema",
        "oneOf[]": "schema",
        "allOf[]": "schema",
        "not": "schema",
        "if": "schema",
        "then": "schema",
        "else": "schema",
        "minimum": NUMERIC,
        "maximum": NUMERIC,
        "exclusiveMinimum": NUMERIC,
        "exclusiveMaximum": NUMERIC,
        "multipleOf": NUMERIC,
        "minLength": NUMERIC,
        "maxLength": NUMERIC,
        "minItems": NUMERIC,
        "maxItems": NUMERIC,
        "minContains": NUMERIC,
        "maxContains": NUMERIC,
        "minProperties": NUMERIC,
        "maxProperties": NUMERIC,
    },
}
# ``items`` is one schema, or in older drafts one for each element.
SCHEMA = {**SCHEMA, "schemas": {**SCHEMA["schema"], "[]": "schema"}}
