"""Verification of payee before a release."""

from alembic import op
import sqlalchemy as sa

revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    op.create_table('verifications',
    sa.Column('submission_id', sa.String(length=20), nullable=False),
    sa.Column('of_submission', sa.String(length=20), nullable=False),
    sa.Column('file_id', sa.String(length=20), nullable=False),
    sa.Column('destination', sa.String(length=31), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('cut_off_at', sa.String(length=32), nullable=True),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.String(length=32), nullable=False),
    sa.Column('delivered_at', sa.String(length=32), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('decision', sa.String(length=10), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['file_id'], ['files.file_id'], name=op.f('fk_verifications_file_id')),
    sa.ForeignKeyConstraint(['of_submission'], ['submissions.submission_id'], name=op.f('fk_verifications_of_submission')),
    sa.PrimaryKeyConstraint('submission_id', name=op.f('pk_verifications')),
    sa.UniqueConstraint('of_submission', name=op.f('uq_verifications_of_submission'))
    )


def downgrade() -> None:
    op.drop_table('verifications')
