"""Know how to hold values against a pydantic model and tell every mistake in a user's words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from xds.config.document import Document, kind
from xds.config.problems import Path, Problem, listed, nearest

M = TypeVar("M", bound=BaseModel)

# What stands below these is told to nobody.
_SECRETS: Final = frozenset(("api_keys", "api_key", "access_key"))
_SHAPES: Final = {
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
}


def validate(
    document: Document,
    model: type[M],
    value: object,
    path: Path,
    problems: list[Problem],
) -> M | None:
    """Return the value that stands at a path as a model, or None after adding its problems."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        problems.extend(_problem(document, model, path, detail) for detail in details)
        return None


def is_secret(path: Path) -> bool:
    """Tell whether what stands at a path is a key, or has keys in it."""
    return not _SECRETS.isdisjoint(path)


def _problem(
    document: Document, model: type[BaseModel], path: Path, detail: ErrorDetails
) -> Problem:
    # pydantic marks a mistake in a key by a step of its own.
    key = detail["loc"][-1:] == ("[key]",)
    steps = detail["loc"][:-1] if key else detail["loc"]
    where = (*path, *steps)
    if detail["type"] == "extra_forbidden":
        known = _keys(_owner(model, steps[:-1]))
        return document.problem(where, unknown_key(str(steps[-1]), known), key=True)
    if key:
        return document.problem(where, "is no name; write a name in quotes", key=True)
    right = _right(model, steps) or _SHAPES.get(detail["type"], "another value")
    if detail["type"] == "missing":
        return document.problem(where, f"is missing; write {right}")
    wrong = kind(detail["input"], secret=is_secret(where))
    return document.problem(where, f"is {wrong}; write {right}")


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Say that a key means nothing here, and which one was most likely meant."""
    if close := nearest(key, known):
        return f'is not a known key; did you mean "{close}"?'
    return f"is not a known key; known here: {listed(known)}"


def _owner(model: type[BaseModel], steps: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model in which a path ends."""
    current: type[BaseModel] | None = model
    for step in steps:
        if current and (info := _fields(current).get(str(step))):
            current = _model_of(info.annotation)
    return current


def _right(model: type[BaseModel], steps: tuple[int | str, ...]) -> str | None:
    """Return what a field, or the item of a list, says of itself."""
    current: type[BaseModel] | None = model
    info: FieldInfo | None = None
    for step in steps:
        if found := current and _fields(current).get(str(step)):
            info = found
            current = _model_of(found.annotation)
        else:
            info = _item(info)
    return _said(info.annotation, info.description) if info else None


def _said(annotation: Any, description: str | None) -> str | None:  # noqa: ANN401
    """Return what is said of a field itself, or else of the type in `Type | None`."""
    found = (one.description for argument in get_args(annotation) for one in _infos(argument))
    return description or next(found, None)


def _infos(annotation: Any) -> list[FieldInfo]:  # noqa: ANN401
    return [one for one in get_args(annotation)[1:] if isinstance(one, FieldInfo)]


def _item(info: FieldInfo | None) -> FieldInfo | None:
    """Return what a field's annotation, `list[Annotated[T, Field(...)]]`, says of an item."""
    arguments = get_args(info.annotation) if info else ()
    return next((one for argument in arguments[-1:] for one in _infos(argument)), None)


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _keys(model: type[BaseModel] | None) -> list[str]:
    return list(_fields(model)) if model else []


def _model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    """Return the model inside an annotation such as `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_of(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)
