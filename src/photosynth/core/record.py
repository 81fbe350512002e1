"""Records: frozen, comparable, plain values that travel as JSON and TOML."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from photosynth.core.errors import ConfigError
from photosynth.core.misspelt import plain_json, suggestion

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=False):
    """The root of every record: immutable, compared by value, unknown keys refused by name (and the nearest one told).

    Members of a tagged union subclass it with ``tag_field="kind", tag="..."``.
    """


def _encode_hook(value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decode_hook(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise TypeError(f"no JSON form for {kind}")


def to_plain(value: Any) -> Any:
    """Dicts, lists, strings and numbers for a record (paths become POSIX strings, tuples become lists)."""
    return msgspec.to_builtins(value, enc_hook=_encode_hook)


def to_json(value: Any) -> bytes:
    """One line of compact JSON with sorted keys: equal records give equal bytes."""
    return msgspec.json.encode(value, enc_hook=_encode_hook, order="sorted")


def to_pretty_json(value: Any) -> bytes:
    """Indented JSON with sorted keys and a final newline, for files people open."""
    return msgspec.json.format(to_json(value), indent=1) + b"\n"


def from_json(data: bytes | str, kind: type[T], where: str = "JSON") -> T:
    """Read a record. Raises ConfigError naming `where` and the offending key."""
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_decode_hook)
    except (msgspec.DecodeError, ValueError) as error:
        near = suggestion(str(error), plain_json(data), kind)
        raise ConfigError(f"{where} cannot be read as {_name(kind)}: {error}{near}") from error


def from_plain(value: Any, kind: type[T], where: str = "value") -> T:
    """A record from dicts and lists. Raises ConfigError naming `where` and the offending key."""
    try:
        return msgspec.convert(value, type=kind, dec_hook=_decode_hook)
    except (msgspec.ValidationError, ValueError) as error:
        near = suggestion(str(error), value, kind)
        raise ConfigError(f"{where} is not a valid {_name(kind)}: {error}{near}") from error


def from_toml(path: Path, kind: type[T]) -> T:
    """Read a TOML file as a record. Raises ConfigError naming the file and the offending key."""
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist; give the path of a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    return from_plain(data, kind, str(path))


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value's canonical JSON."""
    return hashlib.sha256(to_json(value)).hexdigest()


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))
