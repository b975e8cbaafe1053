"""Journals, and the state of a day's close."""

from alembic import op
import sqlalchemy as sa

revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    op.create_table('journals',
    sa.Column('scope', sa.String(length=31), nullable=False),
    sa.Column('run', sa.Integer(), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('debit_account', sa.String(length=120), nullable=False),
    sa.Column('credit_account', sa.String(length=120), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('postings', sa.BigInteger(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('scope', 'run', 'event', 'debit_account', 'credit_account', 'currency', 'day',
                            name=op.f('pk_journals'))
    )
    op.create_table('days',
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('prepared_by', sa.Text(), nullable=True),
    sa.Column('prepared_at', sa.String(length=32), nullable=True),
    sa.Column('reviewed_by', sa.Text(), nullable=True),
    sa.Column('reviewed_at', sa.String(length=32), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_days'))
    )
    with op.batch_alter_table('closes') as closes:
        closes.add_column(sa.Column('run', sa.Integer(), nullable=True))
        closes.create_unique_constraint('uq_closes_provider_id', ['provider_id', 'run'])
    op.execute(
        "INSERT INTO days (day, state, revision, prepared_by, prepared_at, reason) "
        "SELECT day, 'prepared', max(revision), 'gateway', max(closed_at), '' FROM closes "
        "WHERE provider_id = 'all' GROUP BY day"
    )


def downgrade() -> None:
    with op.batch_alter_table('closes') as closes:
        closes.drop_constraint('uq_closes_provider_id')
        closes.drop_column('run')
    op.drop_table('days')
    op.drop_table('journals')
