"""Requests to providers' APIs."""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'

def upgrade() -> None:

    op.create_table('requests',
    sa.Column('submission_id', sa.String(length=20), nullable=False),
    sa.Column('first', sa.Integer(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('first_at', sa.String(length=32), nullable=True),
    sa.Column('begun_at', sa.String(length=32), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('replies', sa.Text(), nullable=True),
    sa.Column('open', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['submission_id'], ['submissions.submission_id'], name=op.f('fk_requests_submission_id')),
    sa.PrimaryKeyConstraint('submission_id', 'first', name=op.f('pk_requests'))
    )

def downgrade() -> None:

    op.drop_table('requests')
