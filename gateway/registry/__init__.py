"""The registry: few rows, transactions, unique keys. It decides; the lake remembers.

`tables` says what there is, `engine` opens it, the other modules hold the decisions, each one transaction.
"""
