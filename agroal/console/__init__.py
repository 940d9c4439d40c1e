"""The SQL console: agroal as a database that answers SHOW and takes commands, under its own name and PgBouncer's.

Sans-IO, as the layers below: `talk.converse` is a generator that takes messages and the results of management verbs,
and yields bytes and errands. What can be shown is declared in `shows`, what can be done in `commands`.
"""
