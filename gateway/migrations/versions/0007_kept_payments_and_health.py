"""When kept payments of a file are due; how deliveries to a provider went."""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    op.add_column('files', sa.Column('due_at', sa.String(length=32), nullable=True))
    op.create_table('provider_health',
    sa.Column('provider_id', sa.String(length=31), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('failed_at', sa.String(length=32), nullable=False),
    sa.Column('fault', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('provider_id', name=op.f('pk_provider_health'))
    )


def downgrade() -> None:
    op.drop_table('provider_health')
    op.drop_column('files', 'due_at')
