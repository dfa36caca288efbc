"""The revisions of a campaign: who made each, when and why, and what differs between them."""

from __future__ import annotations

from dataclasses import replace

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import Difference, differences
from outdial.domain.record import CampaignRecord, RevisionRecord
from outdial.intake.definition import LoadedDefinition
from outdial.resources.resources import Resources
from outdial.services.errors import ChangeRefused, NotFound
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign import revisions


async def list_revisions(
    ctx: Resources, name: str, *, limit: int, before: int | None = None
) -> list[RevisionRecord]:
    """The newest first. Raises NoSuchCampaign."""
    record = await require_campaign(ctx, name)
    return await ctx.database.read(
        lambda s: revisions.list_revisions(s, record.id, limit=limit, before=before)
    )


async def diff_revisions(
    ctx: Resources, name: str, before: int, after: int
) -> tuple[Difference, ...]:
    """What differs from one revision to another. Raises NoSuchCampaign, NotFound."""
    record = await require_campaign(ctx, name)
    old, new = [await require_definition(ctx, record, each) for each in (before, after)]
    return differences(old, new)


async def read_source(ctx: Resources, name: str) -> str:
    """The text of a campaign's present definition; nothing if it was not launched from a text.
    Raises NoSuchCampaign."""
    record = await require_campaign(ctx, name)
    text = await ctx.database.read(lambda s: revisions.source_at(s, record.id, record.revision))
    return text or ""


async def differences_from_present(
    ctx: Resources, record: CampaignRecord, loaded: LoadedDefinition
) -> tuple[Difference, ...]:
    """What differs in a definition from the campaign's present revision."""
    present = await ctx.database.read(
        lambda s: revisions.definition_at(s, record.id, record.revision)
    )
    if present is None:
        return ()
    return differences(present, on_present_lines(loaded, present).definition)


def on_present_lines(loaded: LoadedDefinition, present: CampaignDefinition) -> LoadedDefinition:
    """A definition that names no line leaves the campaign on those it has."""
    if loaded.definition.lines:
        return loaded
    return replace(loaded, definition=loaded.definition.model_copy(update={"line": present.line}))


async def require_definition(
    ctx: Resources, record: CampaignRecord, revision: int
) -> CampaignDefinition:
    """The definition at a revision. Raises NotFound, and ChangeRefused for the direct campaign."""
    definition = await ctx.database.read(lambda s: revisions.definition_at(s, record.id, revision))
    if definition is not None:
        return definition
    if record.direct:
        raise ChangeRefused(f"{record.name} has no definition; ask for single calls instead")
    raise NotFound(f"revision of {record.name}", str(revision))
