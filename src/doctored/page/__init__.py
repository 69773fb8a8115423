"""Self-contained HTML pages: the only writer of markup."""
