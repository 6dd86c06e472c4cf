"""Text from outside, such as a model's answer or a column's name, in a form that every database takes."""

from typing import Any


def storable_json(value: Any) -> Any:
    """JSON without U+0000 and half characters: PostgreSQL refuses the first in any text, encoders the second."""
    match value:
        case str():
            return value.replace("\0", "␀").encode(errors="replace").decode()
        case dict():
            return {storable_json(key): storable_json(item) for key, item in value.items()}
        case list():
            return [storable_json(item) for item in value]
        case _:
            return value
