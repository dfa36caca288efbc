"""Adds recipients to a campaign that runs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from outdial.domain.bounds import FREE_FORM, OutOfBounds, require_within
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.source import CsvSource, InlineRecipient
from outdial.domain.operator import Action, Operation
from outdial.domain.record import CampaignRecord, StagingRecord
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import LoadedDefinition, with_recipients
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.resources import Resources
from outdial.services.accounts.quotas import spend
from outdial.services.accounts.rights import require_for_recipients
from outdial.services.campaigns.control import Changed, enroll_staged
from outdial.services.campaigns.staging import (
    CHUNK_ROWS,
    Progress,
    StagingWriter,
    given_up_on_error,
    move_accepted,
)
from outdial.services.errors import ChangeRefused, RequestRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign.revisions import definition_at
from outdial.store.compliance.operator_log import note_operation
from outdial.store.db.errors import CampaignEnded
from outdial.store.roster.flip import accept_addition, add_at_once
from outdial.store.roster.staging import begin_addition


async def add_recipients(
    ctx: Resources,
    name: str,
    recipients: Sequence[InlineRecipient],
    *,
    scopes: tuple[str, ...] | None = None,
    public_id: str | None = None,
) -> tuple[int, Changed]:
    """Add recipients to the present launch, checked as if its definition listed them.

    How many, and the campaign. All of them are added, or none. `scopes` are those of the key that
    sent them; without, they are the operator's own. Raises NoSuchCampaign, RequestRefused,
    ScopeMissing, DefinitionInvalid, ChangeRefused, QuotaUsedUp, and WorkerTimeout, TemporalRefused
    and TemporalUnavailable: then they are added, and the campaign enrols them later.
    """
    try:
        for index, one in enumerate(recipients):
            require_within(one.model_dump(), FREE_FORM, ("recipients", index))
    except OutOfBounds as error:
        raise RequestRefused(str(error)) from None
    record, definition = await _require_roster(ctx, name, scopes)
    loaded = with_recipients(definition, tuple(recipients))
    own_id = public_id or uuid.uuid4().hex
    few = len(recipients) <= CHUNK_ROWS
    try:
        added = await (_add_at_once if few else _add_staged)(ctx, record, loaded, own_id)
    except CampaignEnded as error:
        raise ChangeRefused(str(error)) from error
    return added, await enroll_staged(ctx, record)


async def add_file(
    ctx: Resources,
    name: str,
    file: str,
    base: Path,
    *,
    scopes: tuple[str, ...] | None = None,
    progress: Progress | None = None,
    public_id: str | None = None,
) -> tuple[int, Changed]:
    """Add the rows of a contact file below `base`, as `add_recipients` adds those of a request.

    Its columns and its default region are those that the campaign's definition names, if that has
    a contact file too.
    """
    added = await store_file(
        ctx, name, file, base, scopes=scopes, progress=progress, public_id=public_id
    )
    return added, await enroll_staged(ctx, await require_campaign(ctx, name))


async def store_file(
    ctx: Resources,
    name: str,
    file: str,
    base: Path,
    *,
    scopes: tuple[str, ...] | None = None,
    progress: Progress | None = None,
    public_id: str | None = None,
) -> int:
    """`add_file` without a word to the campaign's workflow, such as while no engine is running."""
    record, definition = await _require_roster(ctx, name, scopes)
    source = CsvSource(csv=file)
    if isinstance(definition.recipients, CsvSource):
        source = definition.recipients.model_copy(update={"csv": file})
    loaded = with_recipients(definition, source, name=file, base=base)
    try:
        return await _add_staged(ctx, record, loaded, public_id or uuid.uuid4().hex, progress)
    except CampaignEnded as error:
        raise ChangeRefused(str(error)) from error


async def _require_roster(
    ctx: Resources, name: str, scopes: tuple[str, ...] | None
) -> tuple[CampaignRecord, CampaignDefinition]:
    """A campaign that recipients may be added to, and its definition."""
    record = await require_campaign(ctx, name)
    definition = await ctx.database.read(lambda s: definition_at(s, record.id, record.revision))
    if definition is None:
        raise ChangeRefused(f"{name} has no roster; ask for single calls instead")
    if scopes is not None:
        require_for_recipients(ctx, scopes, definition)
    return record, definition


async def _add_at_once(
    ctx: Resources, record: CampaignRecord, loaded: LoadedDefinition, public_id: str
) -> int:
    """Add a few recipients, in one transaction. Raises DefinitionInvalid, CampaignEnded."""
    chunks = await asyncio.to_thread(lambda: list(read_chunks(loaded)))
    problems = [problem for chunk in chunks for problem in chunk.problems]
    if problems:
        raise DefinitionInvalid(problems, sum(chunk.omitted for chunk in chunks))
    drafts = [draft for chunk in chunks for draft in chunk.recipients]
    now = ctx.clock()

    def work(s: Session) -> None:
        add_at_once(s, record.id, public_id, drafts, now=now)
        spend(s, ctx, len(drafts), now)
        _note(s, ctx, record, len(drafts), now)

    await ctx.database.write(work)
    return len(drafts)


async def _add_staged(
    ctx: Resources,
    record: CampaignRecord,
    loaded: LoadedDefinition,
    public_id: str,
    progress: Progress | None = None,
) -> int:
    """Add any number of recipients, in short transactions: written where nothing reads them, then
    accepted, all of them. Raises DefinitionInvalid, CampaignEnded, StagingEnded."""
    begun = await ctx.database.write(
        lambda s: begin_addition(s, record.id, public_id, now=ctx.clock())
    )
    if progress is not None:
        progress(begun)
    async with given_up_on_error(ctx, begun):
        writer = StagingWriter(ctx, begun, record.plan.line, progress)
        written = await writer.write(loaded)
        now = ctx.clock()

        def accept(s: Session) -> StagingRecord:
            accepted = accept_addition(s, begun, recipients=written, now=now)
            spend(s, ctx, written, now)
            _note(s, ctx, record, written, now)
            return accepted

        accepted = await ctx.database.write(accept)
    await move_accepted(ctx, accepted)
    return written


def _note(
    s: Session, ctx: Resources, record: CampaignRecord, recipients: int, now: datetime
) -> None:
    operation = Operation(Action.ADD, f"campaign/{record.name}", details={"recipients": recipients})
    note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
