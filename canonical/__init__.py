"""The language of the house: frames, money, identifiers, codes, contracts, errors. No I/O, no clock."""
