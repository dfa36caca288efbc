"""Telephone numbers: parsed once where they come in, E.164 afterwards.

Never call this from a workflow: the library loads its metadata lazily.
"""

from __future__ import annotations

import re

import phonenumbers

from outdial.domain.errors import OutdialError
from outdial.domain.numbers.american import american_number
from outdial.domain.numbers.policy import NumberType, number_policy, refusal, type_of
from outdial.domain.rules.place import place_of_number

PHONE_HINT = "write a number with its country code, such as '+12025550123'"
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_ORDINARY = re.compile(r"\+?[0-9][0-9 ()-]*")
"""How almost every number is written; nothing in it needs a closer look."""
_FEWEST = 4
"""Digits from which on a text is a number with something wrong in it."""
_NONE = "is no telephone number; write one such as +12025550123"
_SCHEME = re.compile(r"(?:tel|callto|whatsapp):", re.IGNORECASE)
_EXPONENT = re.compile(r"[0-9][.,]?[0-9]*\s*[eE]\s*[+-]?\s*[0-9]+\s*")
_DECIMAL = re.compile(r"\+?[0-9 ]*[0-9][.,]0*|\+?[0-9]{7,}[.,][0-9]{1,2}")
_LONGEST = 100
"""Characters of a number with all that people write around it."""
_EXTENSION = re.compile(
    r"\s*(?:;\s*ext\s*=|;\s*isub\s*=|;|,+|#|~|(?:e?xt(?:ensi(?:o|ó)n)?|extn|x|p|w|int|anexo|anx"
    r"|ramal|r|poste|durchwahl|dw|доб|доп|内線|分機|分机|轉|转)[.:]?|/\s*x)"
    r"\s*([0-9][0-9 -]*)#?\s*$",
    re.IGNORECASE,
)
_INVISIBLE = dict.fromkeys(
    [0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)
"""Soft hyphens, zero-width characters and marks of direction, which copying brings along."""
_MEXICO, _BRAZIL = 52, 55


class BadPhone(OutdialError, ValueError):
    """A text that is no telephone number that can be dialed."""

    code = "bad_phone"


class NumberNotAllowed(BadPhone):
    """A telephone number of a type or a country that this installation does not call."""

    code = "number_not_allowed"


def parse_phone(text: str, region: str | None = None) -> str:
    """E.164 of a number written with its country code, or without one in `region`.

    Raises BadPhone saying what was found and what would be right.
    """
    return american_number(text, region) or read_strictly(text, region)


def parse_destination(text: str, region: str | None = None) -> str:
    """`parse_phone` of a number that is to be called.

    Raises BadPhone, and NumberNotAllowed for a number that this installation does not call.
    """
    e164 = parse_phone(text, region)
    require_allowed(e164)
    return e164


def require_allowed(e164: str) -> None:
    """Raises NumberNotAllowed for a number that this installation does not call."""
    why = refusal([place_of_number(e164).destination])
    if why is not None:
        raise NumberNotAllowed(f"found {e164!r}: {why}")


def siblings(e164: str) -> tuple[str, ...]:
    """Every E.164 text of the subscriber who has this number, itself first.

    An Argentine number is dialed with a 9 behind the country code where it is a mobile, and is
    one national number with it and without: whoever lists one form means the subscriber.
    """
    if not e164.startswith("+54"):
        return (e164,)
    other = f"+54{e164[4:]}" if e164.startswith("+549") else f"+549{e164[3:]}"
    return (e164, other) if _E164.fullmatch(other) else (e164,)


def subscriber(e164: str) -> str:
    """One text for all forms of a subscriber's number, to compare them by."""
    return min(siblings(e164)) if e164.startswith("+54") else e164


def is_e164(text: str) -> bool:
    """Whether it is in E.164 form; the number need not exist."""
    return _E164.fullmatch(text) is not None


def mask_phone(e164: str) -> str:
    """`+1202•••0123`: enough to recognise a number that one knows, not to dial it."""
    if len(e164) < 9:
        return "•" * len(e164)
    return f"{e164[:-7]}•••{e164[-4:]}"


def read_strictly(text: str, region: str | None) -> str:
    """`parse_phone` by the phone library, which reads a number of any country."""
    written = str(text)
    cleaned = written if _ORDINARY.fullmatch(written) else _checked(written)
    try:
        number = phonenumbers.parse(cleaned, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            hint = "write it with + and the country code, such as +12025550123"
            if region is None and not written.strip().startswith("+"):
                hint += ", or set default_region"
            raise BadPhone(f"found {written!r}, which has no country code; {hint}") from error
        raise BadPhone(f"found {written!r}, which {_NONE}") from error
    if number.extension:  # whatever form the library knows and we do not
        raise _with_extension(written, number.extension)
    kind = type_of(number)
    if kind is NumberType.UNKNOWN:
        number = _renumbered(number)
        kind = type_of(number)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if kind is NumberType.UNKNOWN and not _vouched(e164, number):
        raise BadPhone(
            f"found {written!r}, which is not a number of any numbering plan; check its digits"
        )
    return e164


def _checked(written: str) -> str:
    """The text without what may be left out. Raises BadPhone for what must not be."""
    if len(written) > _LONGEST:
        raise BadPhone(f"found {written[:20]!r}…, which is too long for a telephone number")
    text = _SCHEME.sub("", written.translate(_INVISIBLE).strip(), count=1)
    if _EXPONENT.fullmatch(text.lstrip("+= \"'")):
        raise BadPhone(
            f"found {written!r}, which a spreadsheet wrote in scientific notation; its digits may "
            "be lost: format the column as text and export it again"
        )
    if _DECIMAL.fullmatch(text):
        raise BadPhone(
            f"found {written!r}, which is a decimal number, as a spreadsheet or a data frame "
            "writes it; keep the column as text and write the digits alone"
        )
    extension = _EXTENSION.search(text)
    if extension is not None:
        raise _with_extension(written, extension.group(1).strip())
    wrong = next((sign for sign in text if sign.isalpha() or sign in "*#,;@=&_\x00"), None)
    if wrong is not None:
        digits = sum(sign.isdigit() for sign in text)
        what = f"holds {wrong!r}; write the digits alone, such as +12025550123"
        raise BadPhone(f"found {written!r}, which {what if digits >= _FEWEST else _NONE}")
    return text


def _with_extension(written: str, extension: str) -> BadPhone:
    return BadPhone(
        f"found {written!r}, which has the extension {extension}; calls reach the number alone, "
        "so write it without, or leave it out if it does not answer for this person"
    )


def _renumbered(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """The number that a country's renumbering made of this one; itself where it is none.

    Mexico gave up the 1 before mobiles in 2019, Brazil put a 9 before them from 2012 to 2016.
    """
    national = str(number.national_number)
    if number.country_code == _MEXICO and len(national) == 11 and national.startswith("1"):
        digits = national[1:]
    elif number.country_code == _BRAZIL and len(national) == 10 and national[2] in "6789":
        digits = f"{national[:2]}9{national[2:]}"
    else:
        return number
    return phonenumbers.PhoneNumber(country_code=number.country_code, national_number=int(digits))


def _vouched(e164: str, number: phonenumbers.PhoneNumber) -> bool:
    """Whether the settings vouch for its area code, and it has a possible length."""
    policy = number_policy()
    vouched = bool(policy.vouched) and policy.vouched_zones(e164) is not None
    return vouched and phonenumbers.is_possible_number(number)
