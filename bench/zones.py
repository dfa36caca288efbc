"""Time zones resolved a second, beside the phone library's own answer in the same run.

python -m bench.zones [--numbers 20000]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence

import phonenumbers
from phonenumbers import timezone as phone_timezone

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.rules.data import table
from outdial.domain.rules.location import locate

COUNTRIES = ("US", "GB", "FR", "DE", "AU", "BR", "IN", "MX", "JP", "ZA", "ES", "IT", "NL", "SE")


def american(count: int) -> list[str]:
    chance = random.Random(1)
    codes = sorted(table("area_codes")["areas"])
    return [f"+1{chance.choice(codes)}{chance.randint(2_000_000, 9_999_999)}" for _ in range(count)]


def of_the_world(count: int) -> list[str]:
    """In no order, as a contact file may be."""
    chance = random.Random(2)
    examples = []
    for country in COUNTRIES:
        number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
        assert number is not None
        text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        examples.append(text[:-5])
    return [f"{chance.choice(examples)}{chance.randint(0, 99_999):05}" for _ in range(count)]


def by_library(numbers: Sequence[str]) -> None:
    for number in numbers:
        phone_timezone.time_zones_for_number(phonenumbers.parse(number))


def by_enrolment(numbers: Sequence[str]) -> None:
    """In chunks of 500, as a roster is enrolled."""
    drafts = [RecipientDraft(position=at, phone=number) for at, number in enumerate(numbers)]
    for start in range(0, len(drafts), 500):
        locate(drafts[start : start + 500], None)


def a_second(work: Callable[[Sequence[str]], None], numbers: Sequence[str]) -> float:
    best = 0.0
    for _ in range(3):
        begun = time.perf_counter()
        work(numbers)
        best = max(best, len(numbers) / (time.perf_counter() - begun))
    return best


def main(count: int) -> None:
    print("numbers/s, the best of three runs on one core")
    for name, numbers in (("US", american(count)), ("world", of_the_world(count))):
        print(
            f"{name:6} library {a_second(by_library, numbers):10,.0f}   "
            f"enrolment {a_second(by_enrolment, numbers):10,.0f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=20_000)
    main(parser.parse_args().numbers)
