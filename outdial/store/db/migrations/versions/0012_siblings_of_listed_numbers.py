"""Listed Argentine numbers are listed with and without the 9 of mobiles.

Both are one subscriber, and every look-up is by one of the two. Revision 0012 follows 0011.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LIST = """
INSERT INTO suppression (tenant, phone, reason, source, created_at)
SELECT tenant, {sibling}, reason, source, created_at
FROM suppression AS listed
WHERE phone LIKE '{like}' AND phone NOT LIKE '{unlike}' AND length({sibling}) BETWEEN 9 AND 16
AND NOT EXISTS (
    SELECT 1 FROM suppression AS known
    WHERE known.tenant = listed.tenant AND known.phone = {of_listed}
)
"""
_WITH, _WITHOUT = "'+549' || substr({0}phone, 4)", "'+54' || substr({0}phone, 5)"


def upgrade() -> None:
    for sibling, like, unlike in ((_WITH, "+54%", "+549%"), (_WITHOUT, "+549%", "")):
        op.execute(
            _LIST.format(
                sibling=sibling.format(""),
                of_listed=sibling.format("listed."),
                like=like,
                unlike=unlike,
            )
        )


def downgrade() -> None:
    """They are numbers that must not be called: they stay listed."""
