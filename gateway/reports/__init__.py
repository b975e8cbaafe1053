"""Reports for finance and clients, held and published."""
