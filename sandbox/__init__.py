"""A small outside world for demo and tests: an SFTP front like AWS Transfer Family, banks that answer."""
