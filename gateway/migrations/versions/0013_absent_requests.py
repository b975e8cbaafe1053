"""When, by its own clock, a provider was first asked about requests and did not show them."""

from alembic import op
import sqlalchemy as sa

revision = '0013'
down_revision = '0012'


def upgrade() -> None:
    op.add_column('requests', sa.Column('absent_at', sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column('requests', 'absent_at')
