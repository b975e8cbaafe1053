"""The audit trail is chained: each row has the digest of itself and of the row before it."""

from alembic import op
import sqlalchemy as sa

from gateway.registry import trail

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    with op.batch_alter_table('audit') as batch:
        batch.add_column(sa.Column('digest', sa.String(length=64), nullable=False, server_default=''))
    end_table = op.create_table('audit_end',
    sa.Column('trail', sa.String(length=10), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('trail', name=op.f('pk_audit_end'))
    )
    end = _chain_what_is_there()
    op.bulk_insert(end_table, [{'trail': trail.TRAIL, 'sequence': end.sequence, 'digest': end.digest}])
    with op.batch_alter_table('audit') as batch:
        batch.alter_column('digest', server_default=None)


def _chain_what_is_there() -> trail.End:
    # Rows written so far are numbered anew, without the gaps that lost transactions left.
    audit = sa.table('audit', *[sa.column(name) for name in ('sequence', *trail.Entry.__slots__, 'digest')])
    connection = op.get_bind()
    written = connection.execute(sa.select(audit).order_by(audit.c.sequence)).mappings().all()
    end = trail.End(0, trail.GENESIS)
    for row in written:
        entry = trail.Entry(**{name: row[name] for name in trail.Entry.__slots__})
        [chained] = trail.chained(end, [entry])
        connection.execute(audit.update().where(audit.c.sequence == row['sequence']).values(chained))
        end = trail.End(chained['sequence'], chained['digest'])
    return end


def downgrade() -> None:
    op.drop_table('audit_end')
    with op.batch_alter_table('audit') as batch:
        batch.drop_column('digest')
