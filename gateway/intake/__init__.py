"""From the inbox to the approved file: receive, open, parse, validate, approve. Cancellation requests and the client's own desk too."""
