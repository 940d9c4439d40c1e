# What `agroal.net._relays` needs of the compiled stopwatch, without going through Python.

from agroal.wire._scan cimport Tally

cdef class Meter:
    cdef Py_ssize_t _size
    cdef long long _bounds[32]
    cdef long long _counts[33]
    cdef readonly tuple bounds
    cdef readonly long long sum
    cdef void count(self, long long microseconds) noexcept

cdef class Stopwatch:
    cdef Meter _queries
    cdef Meter _transactions
    cdef object _slow
    cdef public object slowest
    cdef double _asked
    cdef double _begun
    cdef bytes _noted
    cdef int look_at(self, Tally tally, const unsigned char *buffer, Py_ssize_t fresh, double now) except -1
