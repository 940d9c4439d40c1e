# What `agroal.net._flow` needs of the compiled pump, without going through Python.

cdef class Relay:
    cdef int ready(self) except -1

cdef class Pump:
    cdef readonly bytearray buffer
    cdef readonly object view
    cdef list _channels
    cdef list _retired
    cdef list _left
    cdef bint _turning
    cdef int _epoll
    cdef Py_ssize_t _size
    cdef double _moment
    cdef double now(self) noexcept
    cdef int _serve(self, Channel channel, unsigned int events) except -1
    cdef int _watch(self, Channel channel, int events) except -1
    cdef int _leave(self, int fd) except -1

cdef class Channel:
    cdef readonly Pump pump
    cdef str _label
    cdef str _host
    cdef str _port
    cdef public bytes unsent
    cdef public bytes unread
    cdef public bint attended
    cdef public object on_drained
    cdef public object on_hangup
    cdef readonly int fd
    cdef readonly bint encrypted
    cdef object _sock
    cdef bint _bare
    cdef object _on_readable
    cdef object _ignored
    cdef Relay _relay
    cdef int _watched
    cdef int _begin(self, Pump pump, int fd) except -1
    cdef Py_ssize_t send(self, object data, const unsigned char *start, Py_ssize_t size) except -1
    cdef int attend_to(self, Relay relay, object on_readable, object on_hangup) except -1
    cdef int watch_over(self, object on_readable) except -1
    cdef int _adjust(self, int extra=*) except -1
    cdef int _drain(self) except -1
