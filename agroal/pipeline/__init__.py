"""What is looked at while relaying, and when a server may be used again."""
