"""The pages, the dialogs, and what a key does on them."""
