# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `agroal.net.flow`: receive, walk, send, without a Python object in between."""

from cpython.bytearray cimport PyByteArray_AS_STRING
from libc.errno cimport EAGAIN, EINTR, errno

from agroal.errors import ProtocolViolation
from agroal.net.stopwatch import NOTED as REFERENCE_NOTED
from agroal.wire.codes import Status

from agroal.net._pump cimport Channel, Relay
from agroal.net._system cimport MSG_DONTWAIT, MSG_NOSIGNAL, now, recv, send
from agroal.wire._scan cimport Scanner, Tally

cdef Py_ssize_t NOTED = REFERENCE_NOTED
cdef int IDLE = Status.IDLE


cdef class Meter:
    """The twin of `agroal.pool.histogram.Histogram`."""

    def __init__(self, bounds):
        cdef Py_ssize_t at
        self.bounds = tuple(bounds)
        self._size = len(bounds)
        if self._size > 32:
            raise ValueError("there is room for 32 bounds")
        for at in range(self._size):
            self._bounds[at] = bounds[at]
        for at in range(33):
            self._counts[at] = 0
        self.sum = 0

    @property
    def counts(self):
        return [self._counts[at] for at in range(self._size + 1)]

    def add(self, long long microseconds):
        self.count(microseconds)

    cdef void count(self, long long microseconds) noexcept:
        cdef Py_ssize_t at = 0
        while at < self._size and self._bounds[at] < microseconds:
            at += 1
        self._counts[at] += 1
        self.sum += microseconds


cdef class Stopwatch:
    """The twin of `agroal.net.stopwatch.Stopwatch`."""

    def __init__(self, Meter queries, Meter transactions, slowest, slow):
        self._queries = queries
        self._transactions = transactions
        self._slow = slow
        self.slowest = slowest
        self._asked = self._begun = 0
        self._noted = b""

    def look(self, Tally tally, const unsigned char[::1] buffer, Py_ssize_t fresh):
        self.look_at(tally, &buffer[0], fresh, now())

    cdef int look_at(self, Tally tally, const unsigned char *buffer, Py_ssize_t fresh, double time) except -1:
        cdef double took
        if self._asked == 0:
            if tally.owed > 0:
                self._asked = time
                if self._begun == 0:
                    self._begun = self._asked
                if self.slowest is not None:
                    self._noted = buffer[: min(fresh, NOTED)]
            return 0
        if tally.owed > 0:
            return 0
        took, self._asked = time - self._asked, 0
        self._queries.count(<long long>(took * 1e6))
        if tally.status == IDLE:
            self._transactions.count(<long long>((time - self._begun) * 1e6))
            self._begun = 0
        if self.slowest is not None:
            if took >= <double>self.slowest:
                self._slow(self._noted, took)
            self._noted = b""
        return 0


cdef class Flow(Relay):
    """One direction of a link: from a source's socket to a sink's, past a scanner."""

    cdef readonly object joint
    cdef readonly Channel source
    cdef readonly Channel sink
    cdef readonly Scanner scanner
    cdef public long long passed
    cdef public Stopwatch watch
    cdef object _receive
    cdef object _send
    cdef object _view
    cdef unsigned char *_buffer
    cdef Py_ssize_t _room
    cdef int _from
    cdef int _to

    def __init__(self, joint, Channel source, Channel sink, Scanner scanner):
        self.joint = joint
        self.source = source
        self.sink = sink
        self.scanner = scanner
        self.passed = 0
        self._buffer = <unsigned char *>PyByteArray_AS_STRING(source.pump.buffer)  # `view` keeps it where it is
        self._room = len(source.pump.buffer)
        self._view = source.pump.view
        self._from = source.fd
        self._to = sink.fd
        # An encrypted socket is OpenSSL's to read and to write.
        self._receive = source.sock.recv_into if source.encrypted else None
        self._send = sink.sock.send if sink.encrypted else None

    cdef int ready(self) except -1:
        self.relay()
        return 0

    cpdef relay(self, Py_ssize_t received=0):
        """Pass on what one receive brings, or so many bytes that are in the shared buffer already."""
        cdef Py_ssize_t end, sent
        cdef bint fresh
        if not received:
            received = self._received()
            if received < 0:
                return
            if received == 0:
                self.joint.source_ended(self)
                return
        fresh = self.scanner.skip == 0 and len(self.scanner.cut) == 0
        try:
            end = self.scanner.walk_at(self._buffer, received)
        except ProtocolViolation as error:
            self.joint.violated(self, error)
            return
        if end:
            self.passed += end
            if self.watch is not None:
                self.watch.look_at(self.scanner.tally, self._buffer, end if fresh else 0, self.source.pump.now())
            sent = self._sent(end)
            if sent < 0:
                self.joint.sink_gone(self)
                return
            if sent != end:
                self.source.pause(until_end=True)
                self.sink.keep(self._view[sent:end])
        if end != received:
            self.joint.terminated(self)

    cdef Py_ssize_t _received(self) except -2:
        """Bytes in the shared buffer; 0 when the source has ended, -1 when there is nothing now."""
        cdef Py_ssize_t received
        if self._receive is not None:
            try:
                return self._receive(self._view)
            except BlockingIOError:
                return -1
            except OSError:
                return 0
        if self.source.fd != self._from:  # closed: its number may be another connection's by now
            return 0
        received = recv(self._from, self._buffer, <size_t>self._room, MSG_DONTWAIT)
        if received < 0:
            return -1 if errno in (EAGAIN, EINTR) else 0
        return received

    cdef Py_ssize_t _sent(self, Py_ssize_t size) except -2:
        """Bytes that the sink has taken; -1 when it is gone."""
        cdef Py_ssize_t sent
        if self._send is not None:
            try:
                return self._send(self._view[:size])
            except BlockingIOError:
                return 0
            except OSError:
                return -1
        if self.sink.fd != self._to:
            return -1
        sent = send(self._to, self._buffer, <size_t>size, MSG_NOSIGNAL | MSG_DONTWAIT)
        if sent < 0:
            return 0 if errno in (EAGAIN, EINTR) else -1
        return sent
