"""`[[links]]` of a city's profile: the kinds of capability link that its town hall gives out."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kitamae.kernel.people.links import Also, Kind
from kitamae.kernel.people.links import Field as LinkField
from kitamae.sdk.manifest import Words

_STRICT = ConfigDict(extra="forbid", frozen=True)


class AttributeOfLink(BaseModel):
    """One attribute that such a link writes. `least` and `most` bound a number; `choices` are its values with their names."""

    model_config = _STRICT
    name: Annotated[str, Field(min_length=1, max_length=100)]
    label: Words
    kind: Literal["number", "choice", "boolean", "text"] = "number"
    least: int = 0
    most: int = 0
    unit: str = ""
    choices: dict[str, Words] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "number" and not self.least < self.most:
            raise ValueError(f"{self.name}: a number needs least and most")
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to the kind choice")
        return self


class KindOfLink(BaseModel):
    """See `kernel.people.links.Kind`."""

    model_config = _STRICT
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
    name: Words
    type: str
    attribute: Annotated[tuple[AttributeOfLink, ...], Field(min_length=1, max_length=20)]
    hours: Annotated[int, Field(ge=1, le=24 * 366)] = 72
    late_hours: Annotated[int, Field(ge=0, le=24 * 14)] = 48
    uses: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    also: tuple[Also, ...] = ()

    def kind(self) -> Kind:
        """As the kernel has it."""
        fields = tuple(
            LinkField(
                one.name, _words(one.label), one.kind, one.least, one.most, one.unit,
                {value: _words(words) for value, words in one.choices.items()},
            )
            for one in self.attribute
        )  # fmt: skip
        return Kind(
            *(self.id, _words(self.name), self.type, fields),
            *(self.hours, self.late_hours, self.uses, self.also),
        )


def _words(words: Words) -> dict[str, str]:
    return {str(language): text for language, text in words.items()}
