# What `agroal.net._flow` needs of the compiled scanner, without going through Python.

cdef class Tally:
    cdef public Py_ssize_t owed
    cdef public bint batch_open
    cdef public int status
    cdef public dict parameters
    cdef public str fatal
    cdef public Py_ssize_t queries
    cdef public Py_ssize_t transactions
    cdef public Py_ssize_t errors
    cdef public bint copying
    cdef bint _synced
    cdef bint _copy_ended
    cdef bint _ended_before
    cpdef requested(self, int kind)
    cpdef copy_ended(self)
    cpdef copy_began(self)

cdef class Scanner:
    cdef public Tally tally
    cdef public Py_ssize_t skip
    cdef public bytes cut
    cdef public Py_ssize_t needed
    cdef Py_ssize_t walk_at(self, const unsigned char *buffer, Py_ssize_t end) except -1
    cdef Py_ssize_t _mend(self, const unsigned char *buffer, Py_ssize_t end) except -1
    cdef void _keep(self, const unsigned char *piece, Py_ssize_t size, Py_ssize_t needed)

cdef class FrontendScanner(Scanner):
    pass

cdef class BackendScanner(Scanner):
    cdef int _look(self, int kind, bytes body, Py_ssize_t length) except -1
