"""What users read, drawn from the tables: pages of docs/, manual pages, completions of shells.

`python -m agroal.reference` writes the files, `--check` compares them, and the tests do so as well. Prose that is no
table's is written here, once, and becomes Markdown and roff (`page.py`, `markdown.py`, `roff.py`).
"""
