"""Which deliveries are meant: a filter from a query or a JSON body."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from gateway.channels import ROSTER
from gateway.customer import numeric_id
from gateway.errors import ErrorClass
from gateway.http.forms.registration import FormError, shown_name
from gateway.outcomes import DeliveryFilter, Kind, Outcome
from gateway.wording import Fault, FieldError, Wrong

__all__ = ["FilterForm", "read_filter", "seconds_of"]

_CHANNELS = tuple(spec.name for spec in ROSTER)


def _listed(value: Any) -> Any:
    """In a query the words are separated by commas."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list) or not words:
        raise Wrong(Fault.NOT_IN_LIST)  # an empty one would mean all, which nobody intends
    return tuple(word.strip() if isinstance(word, str) else word for word in words)


def _number(value: Any) -> int:
    text = "" if isinstance(value, bool) else str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Wrong(Fault.DELIVERY_IDS)
    return int(text)


def _moment(text: str) -> str:
    """A time with its offset, or a date or time in UTC."""
    datetime.fromisoformat(text)
    return text


def seconds_of(text: str | None) -> float | None:
    """Unix seconds of a time with its offset, or of a date or time in UTC. ValueError for none."""
    if text is None:
        return None
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _customer(value: Any) -> str:
    return str(numeric_id("" if isinstance(value, bool) else str(value)))


def _channel(name: str, info: ValidationInfo) -> str:
    if name not in (info.context or _CHANNELS):
        raise Wrong(Fault.NOT_IN_LIST)
    return name


_LIST = (Field(min_length=1), BeforeValidator(_listed))
Channel = Annotated[str, Field(json_schema_extra={"enum": [*_CHANNELS]}), AfterValidator(_channel)]
Id = Annotated[int, Field(ge=0, lt=10**18), BeforeValidator(_number)]
Moment = Annotated[str, Field(examples=["2026-11-21T09:00:00Z"]), AfterValidator(_moment)]
Customer = Annotated[str, Field(examples=["7000000000001"]), BeforeValidator(_customer)]


def _written_shorter(schema: dict[str, Any]) -> None:
    """A list may be one text with commas, and a customer a number."""
    for name, each in schema["properties"].items():
        each.pop("title", None)
        each.pop("default", None)
        if each["anyOf"][0]["type"] == "array":
            each["anyOf"].insert(1, {"type": "string", "minLength": 1})
        elif name == "customer":
            each["anyOf"].insert(1, {"type": "integer", "minimum": 0})


class FilterForm(BaseModel):
    """Which deliveries: every part that is given must hold. Without any, it is all of them."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra=_written_shorter
    )

    channel: Annotated[tuple[Channel, ...], *_LIST] | None = Field(
        None, description="One or several channels."
    )
    outcome: Annotated[tuple[Outcome, ...], *_LIST] | None = Field(
        None, description="Where they stand."
    )
    error_class: Annotated[tuple[ErrorClass, ...], *_LIST] | None = Field(
        None, description="Why the last attempt failed."
    )
    kind: Annotated[tuple[Kind, ...], *_LIST] | None = Field(None, description="Why they exist.")
    id: Annotated[tuple[Id, ...], *_LIST] | None = Field(None, description="These alone.")
    since: Moment | None = Field(None, description="Made then or later; without an offset: UTC.")
    until: Moment | None = Field(None, description="Made then or earlier.")
    customer: Customer | None = Field(None, description="Of one customer: the number or the gid.")
    registration: str | None = Field(None, min_length=1, description="Of one registration.")
    reason: str | None = Field(None, description="The upstream's own; empty: those without one.")

    def value(self) -> DeliveryFilter:
        return DeliveryFilter(
            channels=self.channel or (),
            outcomes=self.outcome or (),
            error_classes=self.error_class or (),
            ids=self.id or (),
            since=seconds_of(self.since),
            until=seconds_of(self.until),
            customer_id=int(self.customer) if self.customer else None,
            registration_id=self.registration,
            kinds=self.kind or (),
            reason=self.reason,
        )


def read_filter(
    values: Mapping[str, Any], channels: tuple[str, ...], also: frozenset[str]
) -> DeliveryFilter:
    """FormError names what is wrong. `also` are fields beside the filter's own that this call
    takes; any other is an error.
    """
    given = {name: value for name, value in values.items() if name not in also}
    try:
        return FilterForm.model_validate(given, context=channels).value()
    except ValidationError as error:
        wrong = dict.fromkeys(str(detail["loc"][0]) for detail in error.errors())
        raise FormError([_fault(name, channels) for name in wrong]) from None


def _fault(name: str, channels: tuple[str, ...]) -> FieldError:
    match name:
        case "channel":
            return Fault.CHOICE.at(name, choices=", ".join(channels))
        case "outcome":
            return Fault.CHOICE.at(name, choices=", ".join(Outcome))
        case "error_class":
            return Fault.CHOICE.at(name, choices=", ".join(ErrorClass))
        case "kind":
            return Fault.CHOICE.at(name, choices=", ".join(Kind))
        case "id":
            return Fault.DELIVERY_IDS.at(name)
        case "since" | "until":
            return Fault.MOMENT.at(name)
        case "customer":
            return Fault.CUSTOMER_ID.at(name)
        case "registration" | "reason":
            return Fault.STRING.at(name)
    return Fault.UNKNOWN_FIELD.at(shown_name(name))
