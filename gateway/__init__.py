"""The application: stages, registry (SQL), lake (Parquet), object store, settings, composition, CLI."""
