"""What golden.json contains, by subject."""
