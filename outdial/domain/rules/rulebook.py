"""The rules in force: those that ship, an operator's stricter ones, and blocked jurisdictions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from phonenumbers import SUPPORTED_REGIONS
from pydantic import BaseModel, ConfigDict

from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.data import rules_version, table
from outdial.domain.rules.rule import EVERYWHERE, Rule

NO_RULES = "no-rules."
"""With a country's code: the id under which its lack of rules can be accepted as a risk."""


class Block(BaseModel):
    """A jurisdiction into which no call is made until an instant (UTC)."""

    model_config = ConfigDict(frozen=True)

    jurisdiction: str
    until: datetime
    reason: str
    purpose: Purpose | None = None
    """None: whatever the purpose."""

    @property
    def id(self) -> str:
        return f"block.{self.jurisdiction}"


class OperatorRules(BaseModel):
    """A file of rules that are stricter than those that ship; they are added to them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Applying:
    """What applies to calls of one purpose into some places."""

    rules: tuple[Rule, ...]
    """Sorted by id."""
    blocks: tuple[Block, ...]
    lacking: tuple[str, ...]
    """Countries of which no rule is known."""
    dated: tuple[tuple[str, tuple[Rule, ...]], ...] = ()
    """Countries whose rules all begin or end, with these."""


class Rulebook:
    """The rules in force; `key` identifies exactly these, as a cache key."""

    def __init__(self, added: Sequence[Rule] = (), blocks: Sequence[Block] = ()) -> None:
        self.rules = tuple(sorted((*shipped_rules(), *added), key=lambda rule: rule.id))
        self.blocks = tuple(sorted(blocks, key=lambda block: (block.jurisdiction, block.until)))
        self.version = rules_version()
        self.key = self._key(added)
        self._applied: dict[tuple[Purpose, tuple[str, ...]], Applying] = {}

    def _key(self, added: Sequence[Rule]) -> str:
        texts = [rule.model_dump_json() for rule in sorted(added, key=lambda rule: rule.id)]
        texts += [block.model_dump_json() for block in self.blocks]
        if not texts:
            return self.version
        return f"{self.version}+{hashlib.sha256(chr(10).join(texts).encode()).hexdigest()[:12]}"

    def applying(self, purpose: Purpose, jurisdictions: tuple[str, ...]) -> Applying:
        """Rules of all these places and of the countries they are in."""
        applying = self._applied.get((purpose, jurisdictions))
        if applying is None:
            applying = self._applied[(purpose, jurisdictions)] = self._applying(
                purpose, jurisdictions
            )
        return applying

    def _applying(self, purpose: Purpose, jurisdictions: tuple[str, ...]) -> Applying:
        places = {EVERYWHERE, *jurisdictions, *countries(jurisdictions)}
        rules = tuple(
            rule for rule in self.rules if rule.jurisdiction in places and purpose in rule.purposes
        )
        blocks = tuple(
            block
            for block in self.blocks
            if block.jurisdiction in places and block.purpose in (None, purpose)
        )
        return Applying(
            rules, blocks, _lacking(purpose, jurisdictions), _dated(purpose, jurisdictions)
        )

    def has(self, rule_id: str) -> bool:
        """Whether there is such a rule, or risk, to accept."""
        if rule_id.startswith(NO_RULES):
            return rule_id.removeprefix(NO_RULES) in (*SUPPORTED_REGIONS, "unknown")
        return any(rule.id == rule_id for rule in self.rules)


def countries(jurisdictions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({code.partition("-")[0] for code in jurisdictions}))


def _lacking(purpose: Purpose, jurisdictions: tuple[str, ...]) -> tuple[str, ...]:
    """Only rules that ship count: adding a rule must not make anybody callable."""
    if purpose is not Purpose.TELEMARKETING:
        return ()
    with_rules = {rule.jurisdiction for rule in shipped_rules() if purpose in rule.purposes}
    if not jurisdictions:
        return ("unknown",)
    return tuple(code for code in countries(jurisdictions) if code not in with_rules)


def _dated(
    purpose: Purpose, jurisdictions: tuple[str, ...]
) -> tuple[tuple[str, tuple[Rule, ...]], ...]:
    """Countries whose rules all begin or end: outside of those times their rules are unknown."""
    if purpose is not Purpose.TELEMARKETING:
        return ()
    dated = []
    for code in countries(jurisdictions):
        rules = [r for r in shipped_rules() if r.jurisdiction == code and purpose in r.purposes]
        if rules and all(rule.effective_from or rule.effective_until for rule in rules):
            dated.append((code, tuple(rules)))
    return tuple(dated)


@cache
def shipped_rules() -> tuple[Rule, ...]:
    return tuple(Rule.model_validate(row) for row in table("calling_rules")["rules"])


@cache
def shipped_rulebook() -> Rulebook:
    """The rules that ship, without any operator's, and nothing blocked."""
    return Rulebook()
