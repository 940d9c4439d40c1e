"""Files of PgBouncer and pgagroal become agroal's, and a report says what became of each of their keys.

`bouncer.py` and `pgagroal.py` read and translate, `draft.py` holds what is to be written, `writing.py` writes it.
"""
