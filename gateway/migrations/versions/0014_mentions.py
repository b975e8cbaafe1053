"""Which client files a provider's stage speaks of. Of stages from before it is not known: they are read always."""

from alembic import op
import sqlalchemy as sa

revision = '0014'
down_revision = '0013'


def upgrade() -> None:
    op.add_column('stages', sa.Column('mentions', sa.Integer(), nullable=True))
    op.create_table(
        'mentions',
        sa.Column('subject', sa.String(length=64), nullable=False),
        sa.Column('stage', sa.String(length=40), nullable=False),
        sa.Column('file_id', sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint('subject', 'stage', 'file_id'),
    )


def downgrade() -> None:
    op.drop_table('mentions')
    op.drop_column('stages', 'mentions')
