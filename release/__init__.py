"""What is published of a version: made in one go, the same bytes each time, and audited. See docs/releasing.md."""
