# What `agroal.net._relays` needs of the compiled walk, without going through Python.

from agroal.wire._scan cimport Scanner, Tally

cdef class TurnTally(Tally):
    cdef object _first
    cdef object _second
    cdef object _later
    cdef Py_ssize_t _more
    cdef bint _lent
    cdef public Py_ssize_t in_batch
    cdef public Py_ssize_t done
    cdef public bint skipping
    cdef public object unnamed
    cdef public bint stale
    cdef public bint reported
    cdef public object retry
    cdef public object overlap
    cdef public list tags
    cdef int _expect(self, object mark) except -1
    cdef int _take_back(self) except -1
    cdef int _shift(self) except -1
    cpdef batched(self, entry=*)
    cpdef next(self)
    cpdef take_next(self)
    cpdef answered(self, kind)
    cpdef ready(self, int status)

cdef class HaltingFrontend(Scanner):
    cdef TurnTally _tally
    cdef Py_ssize_t walk_at_from(self, const unsigned char *buffer, Py_ssize_t at, Py_ssize_t end) except -1
    cdef int _is_plain(
        self, int kind, const unsigned char *buffer, Py_ssize_t at, Py_ssize_t behind, Py_ssize_t end
    ) except -1

cdef class HaltingBackend(Scanner):
    cdef TurnTally _tally
    cdef Py_ssize_t walk_at_from(self, const unsigned char *buffer, Py_ssize_t at, Py_ssize_t end) except -1
    cdef int _is_plain(
        self, int kind, const unsigned char *body, const unsigned char *stop, Py_ssize_t length
    ) except -1
