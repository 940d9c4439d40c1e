# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `agroal.net.relays`: the same, without a Python object for what is plain."""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memcpy

from agroal.errors import ProtocolViolation
from agroal.pipeline.answering import Answering
from agroal.pipeline.asking import Asking
from agroal.wire.codes import Frontend

from agroal.net._pump cimport Channel, Relay
from agroal.wire._halting cimport HaltingBackend, HaltingFrontend, TurnTally

cdef extern from "sys/socket.h" nogil:
    ssize_t recv(int fd, void *buffer, size_t size, int flags)
    int MSG_DONTWAIT

cdef int TERMINATE = Frontend.TERMINATE


cdef class _Direction(Relay):
    """What both have: the client, the shared buffer, and who knows more."""

    cdef object _joint
    cdef object _turn
    cdef Channel _client
    cdef object _view
    cdef unsigned char[::1] _memory
    cdef unsigned char *_buffer
    cdef public long long passed

    def __init__(self, joint, Channel client, turn):
        self._joint = joint
        self._client = client
        self._turn = turn
        self._view = client.pump.view
        self._memory = client.pump.buffer
        self._buffer = &self._memory[0]
        self.passed = 0

    def relay(self):
        """Pass on what one receive brings."""
        self.ready()

    cdef Py_ssize_t _receive(self, Channel source, bytes cut) except -2:
        """Receive behind what was cut off before. The bytes that are there now; 0 at the end, -1 when nothing came."""
        cdef Py_ssize_t received, offset = len(cut)
        if source.encrypted:
            try:
                received = source.sock.recv_into(self._view[offset:])
            except BlockingIOError:
                return -1
            except OSError:
                return 0
        elif source.fd < 0:
            return 0
        else:
            received = recv(source.fd, self._buffer + offset, <size_t>(self._memory.shape[0] - offset), MSG_DONTWAIT)
            if received < 0:
                return -1 if errno == EAGAIN or errno == EINTR else 0
        if received and offset:
            memcpy(self._buffer, <const unsigned char *>cut, offset)
        return received + offset if received else 0

    cdef bint _send(self, object data, Py_ssize_t size, Channel source, Channel sink) except -1:
        """Send this, or as much of the buffer, and keep what is not taken; then the source has to wait.

        False when the sink is gone.
        """
        cdef Py_ssize_t sent
        if size == 0:
            return True
        if sink.fd < 0:
            return False
        try:
            if data is not None or sink.unsent:
                if not sink.write(self._view[:size] if data is None else data):
                    source.pause(True)
                return True
            sent = sink.send(self._view[:size] if sink.encrypted else None, self._buffer, size)
        except OSError:
            return False
        if sent != size:
            sink.keep(self._view[sent:size])
            source.pause(True)
        return True


cdef class Requests(_Direction):
    """From the client to the server that it has just now."""

    cdef object _asking
    cdef readonly HaltingFrontend scanner
    cdef public Channel sink
    cdef public bint waiting
    cdef public Py_ssize_t pending

    def __init__(self, joint, Channel client, turn):
        _Direction.__init__(self, joint, client, turn)
        self._asking = Asking(turn)
        self.scanner = turn.frontend
        self.waiting = False
        self.pending = 0

    cdef int ready(self) except -1:
        cdef Py_ssize_t end
        if self.waiting:
            self._joint.heard_while_waiting()
            return 0
        end = self._receive(self._client, self.scanner.cut)
        if end > 0:
            self.scanner.cut = b""
            self.pass_on(end)
        elif end == 0:
            self._joint.source_ended(self)
        return 0

    cpdef pass_on(self, Py_ssize_t end):
        """Pass on so many bytes that are in the shared buffer."""
        cdef Py_ssize_t at, size = end
        cdef bint goodbye = False
        cdef object data = None
        if self.sink is None:
            if self._buffer[0] == TERMINATE:
                self._joint.terminated(self)
                return
            self.pending = end
            if not self._joint.take():
                return
        if self._turn.overlap is not None:
            self._asking.read_on(self._buffer[: min(self.scanner.skip, end)])
        try:
            at = self.scanner.walk_at_from(self._buffer, 0, end)
            if at != end:
                data, goodbye = self._asking.look(self._client.pump.buffer, 0, at, end)
                size = len(<bytes>data)
        except ProtocolViolation as error:
            self._joint.violated(self, error)
            return
        self.passed += size
        if not self._send(data, size, self._client, self.sink):
            self._joint.sink_gone(self)
        elif goodbye:
            self._joint.terminated(self)


cdef class Answers(_Direction):
    """From that server to the client."""

    cdef object _answering
    cdef TurnTally _tally
    cdef readonly HaltingBackend scanner
    cdef public Channel source

    def __init__(self, joint, Channel client, turn):
        _Direction.__init__(self, joint, client, turn)
        self._answering = Answering(turn)
        self._tally = turn.tally
        self.scanner = turn.backend

    cdef int ready(self) except -1:
        cdef Py_ssize_t at, size, end = self._receive(self.source, self.scanner.cut)
        cdef object data = None
        if end < 0:
            return 0
        if end == 0:
            self._joint.source_ended(self)
            return 0
        self.scanner.cut = b""
        size = end
        try:
            at = self.scanner.walk_at_from(self._buffer, 0, end)
            if at != end:
                data = self._answering.look(self._client.pump.buffer, 0, at, end)
                size = len(<bytes>data)
            else:
                self._turn.retry = None
        except ProtocolViolation as error:
            self._joint.violated(self, error)
            return 0
        self.passed += size
        if not self._send(data, size, self.source, self._client):
            self._joint.sink_gone(self)
        elif data is not None and self._answering.again is not None:
            again, self._answering.again = self._answering.again, None
            self._joint.again(again)
        elif self._tally.owed == 0:
            self._joint.settle()
        return 0

    def overhear(self, bytes said):
        """Follow what the server says without passing it on. Raises ProtocolViolation."""
        cdef Py_ssize_t at
        said = self.scanner.cut + said
        self.scanner.cut = b""
        at = self.scanner.walk_at_from(said, 0, len(said))
        if at < len(said):
            self._answering.look(said, 0, at, len(said))
