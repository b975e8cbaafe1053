"""Breaks as work items: what people made of them, their events, and what was written off."""

from alembic import op
import sqlalchemy as sa

revision = '0011'
down_revision = '0010'


def upgrade() -> None:
    op.create_table('breaks',
    sa.Column('break_id', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('side', sa.String(length=4), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('provider_id', sa.String(length=31), nullable=True),
    sa.Column('account', sa.Text(), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('credit_debit', sa.String(length=4), nullable=False),
    sa.Column('since', sa.String(length=10), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('standing', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=True),
    sa.Column('comment', sa.Text(), nullable=True),
    sa.Column('closed_on', sa.String(length=10), nullable=True),
    sa.Column('asked_by', sa.String(length=80), nullable=True),
    sa.Column('claim', sa.Text(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('changed_by', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.String(length=32), nullable=False),
    sa.CheckConstraint("state IN ('open', 'assigned', 'explained', 'written_off', 'resolved')",
                       name=op.f('ck_breaks_state')),
    sa.PrimaryKeyConstraint('break_id', name=op.f('pk_breaks'))
    )
    op.create_index('ix_breaks_standing', 'breaks', ['standing'])
    op.create_table('break_events',
    sa.Column('break_id', sa.String(length=20), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=True),
    sa.Column('happened_at', sa.String(length=32), nullable=False),
    sa.Column('happened_by', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('origin', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['break_id'], ['breaks.break_id'], name=op.f('fk_break_events_break_id')),
    sa.PrimaryKeyConstraint('break_id', 'revision', name=op.f('pk_break_events'))
    )
    op.create_table('adjustments',
    sa.Column('adjustment_id', sa.String(length=20), nullable=False),
    sa.Column('break_id', sa.String(length=20), nullable=False),
    sa.Column('account', sa.String(length=80), nullable=False),
    sa.Column('relieved', sa.String(length=80), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('credit_debit', sa.String(length=4), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('reverses', sa.String(length=20), nullable=True),
    sa.Column('asked_by', sa.String(length=80), nullable=True),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('made_at', sa.String(length=32), nullable=False),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_adjustments_amount')),
    sa.ForeignKeyConstraint(['break_id'], ['breaks.break_id'], name=op.f('fk_adjustments_break_id')),
    sa.ForeignKeyConstraint(['reverses'], ['adjustments.adjustment_id'], name=op.f('fk_adjustments_reverses')),
    sa.PrimaryKeyConstraint('adjustment_id', name=op.f('pk_adjustments')),
    sa.UniqueConstraint('reverses', name=op.f('uq_adjustments_reverses'))
    )


def downgrade() -> None:
    op.drop_table('adjustments')
    op.drop_table('break_events')
    op.drop_table('breaks')
