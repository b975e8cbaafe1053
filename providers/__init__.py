"""How to reach who moves the money: one module a transport. Knows no formats."""
