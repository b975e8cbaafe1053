"""Reservations of every kind in one table; the kill switch."""

from alembic import op
import sqlalchemy as sa

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    op.create_table('reservations',
    sa.Column('subject', sa.String(length=20), nullable=False),
    sa.Column('counter', sa.String(length=120), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('reserved_at', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['counter'], ['counters.name'], name=op.f('fk_reservations_counter')),
    sa.PrimaryKeyConstraint('subject', 'counter', name=op.f('pk_reservations'))
    )
    op.execute(
        "INSERT INTO reservations (subject, counter, amount, reserved_at) "
        "SELECT u.file_id, u.counter, u.amount_minor, f.received_at FROM limit_uses u JOIN files f ON f.file_id = u.file_id"
    )
    op.drop_table('limit_uses')
    stops = op.create_table('stops',
    sa.Column('scope', sa.String(length=10), nullable=False),
    sa.Column('subject', sa.String(length=31), nullable=False),
    sa.Column('stopped', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('changed_by', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.String(length=32), nullable=False),
    sa.CheckConstraint("scope IN ('all', 'provider', 'client')", name=op.f('ck_stops_scope')),
    sa.PrimaryKeyConstraint('scope', 'subject', name=op.f('pk_stops'))
    )
    op.bulk_insert(stops, [
        {'scope': 'all', 'subject': '', 'stopped': 0, 'reason': '', 'changed_by': 'gateway', 'changed_at': ''}
    ])


def downgrade() -> None:
    op.drop_table('stops')
    op.create_table('limit_uses',
    sa.Column('file_id', sa.String(length=20), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('counter', sa.String(length=120), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['files.file_id'], name=op.f('fk_limit_uses_file_id')),
    sa.PrimaryKeyConstraint('file_id', 'currency', name=op.f('pk_limit_uses'))
    )
    op.execute(
        "INSERT INTO limit_uses (file_id, currency, counter, amount_minor) "
        "SELECT subject, substr(counter, length(counter) - 2), counter, amount FROM reservations "
        "WHERE counter LIKE 'limit:%'"
    )
    op.drop_table('reservations')
