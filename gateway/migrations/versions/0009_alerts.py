"""Alerts: what did not come in time, or came back too often."""

from alembic import op
import sqlalchemy as sa

revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    op.create_table('alerts',
    sa.Column('alert_id', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('raised_at', sa.String(length=32), nullable=False),
    sa.Column('over_at', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('alert_id', name=op.f('pk_alerts'))
    )
    op.create_index('uq_alerts_open', 'alerts', ['kind', 'subject'], unique=True,
                    sqlite_where=sa.text('over_at IS NULL'), postgresql_where=sa.text('over_at IS NULL'))


def downgrade() -> None:
    op.drop_table('alerts')
