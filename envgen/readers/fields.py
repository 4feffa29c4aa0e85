"""Take typed values out of a document that was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Fields:
    """Hold a mapping of a document, and what to call it when something is wrong."""

    def __init__(self, data: Mapping[str, object], where: str) -> None:
        """Keep a copy, of which each value is taken once."""
        self._data = dict(data)
        self.where = where

    @classmethod
    def of(cls, value: object, where: str) -> Fields:
        """Take a mapping with text keys; raise ValueError for anything else."""
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise ValueError(f"{where} is not a mapping")
        return cls(value, where)

    def has(self, key: str) -> bool:
        """Tell whether a value is there and has not been taken."""
        return key in self._data

    def _take(self, key: str) -> object:
        if key not in self._data:
            raise ValueError(f"{self.where} has no `{key}`")
        return self._data.pop(key)

    def text(self, key: str) -> str:
        """Take a text that must be there."""
        value = self._take(key)
        if not isinstance(value, str):
            raise ValueError(f"`{key}` of {self.where} is not a text")
        return value

    def optional_text(self, key: str) -> str:
        """Take a text; "" where there is none."""
        return self.text(key) if key in self._data else ""

    def value(self, key: str, expected: object) -> None:
        """Take a value that must be this one."""
        found = self._take(key)
        if found != expected or type(found) is not type(expected):
            raise ValueError(f"`{key}` of {self.where} is {found!r}, not {expected!r}")

    def fields(self, key: str) -> Fields:
        """Take a mapping that must be there."""
        return Fields.of(self._take(key), f"`{key}` of {self.where}")

    def texts(self, key: str) -> dict[str, str]:
        """Take a mapping of texts that must be there."""
        return self.fields(key).all_texts()

    def all_texts(self) -> dict[str, str]:
        """Take everything, which must be texts."""
        return {key: self.text(key) for key in tuple(self._data)}

    def items(self, key: str) -> Iterator[object]:
        """Take a sequence that must be there."""
        value = self._take(key)
        if not isinstance(value, list):
            raise ValueError(f"`{key}` of {self.where} is not a list")
        return iter(value)

    def names(self, key: str) -> list[str]:
        """Take a sequence of texts that must be there."""
        names = list(self.items(key))
        texts = [name for name in names if isinstance(name, str)]
        if len(texts) < len(names):
            raise ValueError(f"`{key}` of {self.where} is not a list of texts")
        return texts

    def end(self) -> None:
        """Refuse what has not been taken."""
        if self._data:
            raise ValueError(f"{self.where} has an unknown `{next(iter(self._data))}`")
