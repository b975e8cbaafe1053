"""What persons find out about submissions of unknown outcome."""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    op.create_table('resolutions',
    sa.Column('submission_id', sa.String(length=20), nullable=False),
    sa.Column('decided_by', sa.String(length=80), nullable=False),
    sa.Column('delivered', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('decided_at', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['submission_id'], ['submissions.submission_id'], name=op.f('fk_resolutions_submission_id')),
    sa.PrimaryKeyConstraint('submission_id', 'decided_by', name=op.f('pk_resolutions'))
    )


def downgrade() -> None:
    op.drop_table('resolutions')
