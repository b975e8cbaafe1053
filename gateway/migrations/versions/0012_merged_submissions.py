"""Submissions of several client files in one file of a provider."""

from alembic import op
import sqlalchemy as sa

revision = '0012'
down_revision = '0011'


def upgrade() -> None:
    op.add_column('submissions', sa.Column('merged_into', sa.String(length=20), nullable=True))
    op.create_index('ix_submissions_merged_into', 'submissions', ['merged_into'])


def downgrade() -> None:
    op.drop_index('ix_submissions_merged_into', 'submissions')
    op.drop_column('submissions', 'merged_into')
