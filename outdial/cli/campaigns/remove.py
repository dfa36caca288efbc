"""`outdial remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import changing_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import plural, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings
    from outdial.services.campaigns.removing import Removal


def remove(
    name: CampaignName,
    phone: Annotated[
        str, typer.Argument(help="A number with its country code.", show_default=False)
    ],
) -> None:
    """Remove a person from a campaign: it calls them no more.

    Neither by this number nor by another one of theirs; a call to them that is in flight is ended.
    Other campaigns may still call them: `outdial suppress` is for all.
    """
    run(_remove(settings_or_fail(), name, phone))


async def _remove(settings: Settings, name: str, phone: str) -> int:
    from outdial.domain.numbers.phone import mask_phone
    from outdial.services.campaigns.removing import remove_recipient, store_removal
    from outdial.services.compliance.numbers import parse_number

    number = parse_number(phone)
    async with changing_records(settings, records_first=True) as at:
        change = remove_recipient if at.live else store_removal
        removal = await change(at.context, name, number)
        say(_outcome(name, mask_phone(number), removal, live=at.live))
    return OK


def _outcome(name: str, masked: str, removal: Removal, *, live: bool) -> str:
    if not removal.removed:
        return f"{masked} is done in {name}: nothing was changed."
    text = f"Removed {masked} from {name}."
    if removal.hung_up and not live:
        text += f" {plural(removal.hung_up, 'call')} will be ended when an engine starts."
    elif removal.not_signalled:
        text += " The call in flight could not be ended now; the next sweep of a worker ends it."
    elif removal.hung_up:
        text += f" {plural(removal.hung_up, 'call')} in flight is being ended."
    return text
