"""Polling: which accounts, when, and what one poll makes of an account's status."""
