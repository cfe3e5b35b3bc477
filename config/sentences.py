"""Errors of the schema as sentences with a next step, instead of Pydantic's messages."""

from __future__ import annotations

from typing import Any


def sentence_of(item: Any) -> str:
    """The sentence of one of Pydantic's findings (an item of ``ValidationError.errors()``)."""
    kind, context, value = item["type"], item.get("ctx", {}), item["input"]
    match kind:
        case "extra_forbidden":
            return "This key is not known; check its spelling or remove it."
        case "missing":
            return "This is required; add it."
        case "string_type":
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return f'Text is expected, not the number {value}; put it in quotes: "{value}".'
            return "Text is expected here."
        case "int_type" | "int_parsing":
            return "A whole number is expected here."
        case "float_type":
            return "A number is expected here."
        case "list_type":
            return "A list is expected here."
        case "model_type" | "dict_type" | "model_attributes_type":
            return "A block of keys is expected here."
        case "bool_type" | "bool_parsing":
            return "True or false is expected here."
        case "finite_number":
            return "A number is expected here."
        case "string_too_short":
            return f"This must have at least {context.get('min_length')} characters."
        case "string_too_long":
            return f"This may have at most {context.get('max_length')} characters."
        case "too_short":
            return f"This must have at least {context.get('min_length')} entries."
        case "too_long":
            return f"This may have at most {context.get('max_length')} entries."
        case "literal_error":
            return f"This must be {context.get('expected')}."
        case "string_pattern_mismatch":
            return f"{value!r} may only hold lower-case letters, digits and single hyphens."
        case "greater_than" | "greater_than_equal":
            edge = context.get("gt", context.get("ge"))
            more = "more than" if kind == "greater_than" else "at least"
            return f"{value} makes no sense here; it must be {more} {edge}."
        case "less_than" | "less_than_equal":
            edge = context.get("lt", context.get("le"))
            return f"{value} makes no sense here; it must be at most {edge}."
        case "value_error":
            return f"{context.get('error')}."
    message = str(item["msg"])
    return message if message.endswith(".") else message + "."
