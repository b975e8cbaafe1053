"""Which provider takes which payment, by which rail and window, and why no other did."""
