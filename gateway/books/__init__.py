"""The ledger's side: matching with statements, postings, closes."""
