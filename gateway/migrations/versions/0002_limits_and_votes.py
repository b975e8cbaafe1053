"""Day limits, four eyes, verification of payee."""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'

def upgrade() -> None:

    op.create_table('limit_uses',
    sa.Column('file_id', sa.String(length=20), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('counter', sa.String(length=120), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['files.file_id'], name=op.f('fk_limit_uses_file_id')),
    sa.PrimaryKeyConstraint('file_id', 'currency', name=op.f('pk_limit_uses'))
    )
    op.create_table('votes',
    sa.Column('file_id', sa.String(length=20), nullable=False),
    sa.Column('voted_by', sa.String(length=80), nullable=False),
    sa.Column('voted_at', sa.String(length=32), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['files.file_id'], name=op.f('fk_votes_file_id')),
    sa.PrimaryKeyConstraint('file_id', 'voted_by', name=op.f('pk_votes'))
    )
    op.add_column('approvals', sa.Column('needed', sa.Integer(), server_default='1', nullable=False))
    op.add_column('files', sa.Column('verification', sa.String(length=10), nullable=True))

def downgrade() -> None:

    op.drop_column('files', 'verification')
    op.drop_column('approvals', 'needed')
    op.drop_table('votes')
    op.drop_table('limit_uses')

