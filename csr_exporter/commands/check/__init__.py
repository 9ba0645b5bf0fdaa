"""``csr-exporter check --live``: what works for each account, what does not, and what to do about it."""
