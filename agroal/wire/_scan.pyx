# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `agroal.wire.scan`: the same walk on bare memory. What it does is said there."""

from agroal.wire import scan as reference
from agroal.wire.backend import note_parameter
from agroal.wire.codes import Backend, Frontend, Status
from agroal.wire.fields import parse_fields
from agroal.wire.plain import note_death

cdef enum:
    HEADER = 5
    ILLEGAL = 0
    PASS = 1
    BATCH = 2
    LOOK = 3

cdef int EXECUTE = Frontend.EXECUTE
cdef int SYNC = Frontend.SYNC
cdef int TERMINATE = Frontend.TERMINATE
cdef int COPY_DONE = Frontend.COPY_DONE
cdef int COPY_FAIL = Frontend.COPY_FAIL
cdef int COPY_IN_RESPONSE = Backend.COPY_IN_RESPONSE
cdef int COPY_BOTH_RESPONSE = Backend.COPY_BOTH_RESPONSE
cdef int READY_FOR_QUERY = Backend.READY_FOR_QUERY
cdef int ERROR_RESPONSE = Backend.ERROR_RESPONSE
cdef int IDLE = Status.IDLE
cdef Py_ssize_t MAX_LOOKED_AT = reference.MAX_LOOKED_AT

# The tables are the reference's own, so that there is only one opinion of which messages are legal.
cdef unsigned char FRONTEND_ACTIONS[256]
cdef unsigned char BACKEND_ACTIONS[256]
cdef int _kind
for _kind in range(256):
    FRONTEND_ACTIONS[_kind] = reference.FRONTEND_ACTIONS[_kind]
    BACKEND_ACTIONS[_kind] = reference.BACKEND_ACTIONS[_kind]


cdef inline int length_at(const unsigned char *at) noexcept:
    """Signed: what is too long is negative."""
    return <int>((<unsigned int>at[1] << 24) | (<unsigned int>at[2] << 16) | (<unsigned int>at[3] << 8) | at[4])


cdef class Tally:
    """What has been said on a link: what the server owes, and the counters."""

    def __init__(self, dict parameters):
        self.owed = 0
        self.batch_open = False
        self.status = IDLE
        self.parameters = parameters
        self.fatal = ""
        self.queries = 0
        self.transactions = 0
        self.errors = 0
        self.copying = False
        self._synced = self._copy_ended = self._ended_before = False

    cpdef requested(self, int kind):
        cdef bint synced = kind == SYNC
        if not synced:
            self.queries += 1
        elif self.copying:
            return
        self.owed += 1
        self.batch_open = False
        self._synced = synced
        self._ended_before = self._copy_ended
        self._copy_ended = False

    cpdef copy_ended(self):
        self._copy_ended = not self.copying
        self.copying = False

    cpdef copy_began(self):
        if self._copy_ended or self._ended_before or self.owed != 1:
            return
        self.copying = True
        if self._synced:
            self.owed = 0
            self.batch_open = True


cdef class Scanner:
    """What both directions share: a position in a stream of messages."""

    def __init__(self, Tally tally):
        self.tally = tally
        self.skip = 0
        self.cut = b""
        self.needed = HEADER

    @property
    def between_messages(self):
        return not self.skip and not self.cut

    def walk(self, const unsigned char[::1] buffer, Py_ssize_t end):
        if end > buffer.shape[0]:
            raise ValueError("the walk would leave the buffer")
        return self.walk_at(&buffer[0], end) if end else 0

    cdef Py_ssize_t walk_at(self, const unsigned char *buffer, Py_ssize_t end) except -1:
        raise NotImplementedError

    cdef Py_ssize_t _mend(self, const unsigned char *buffer, Py_ssize_t end) except -1:
        cdef Py_ssize_t taken = 0, piece
        cdef bytes whole
        while self.cut:
            piece = min(end - taken, self.needed - len(self.cut))
            whole = self.cut + buffer[taken : taken + piece]
            taken += piece
            if len(whole) < self.needed:
                self.cut = whole
                return end
            self.cut = b""
            self.skip = 0
            self.walk_at(whole, len(whole))
        return taken + self.skip

    cdef void _keep(self, const unsigned char *piece, Py_ssize_t size, Py_ssize_t needed):
        self.cut = piece[:size]
        self.needed = needed
        self.skip = 0


cdef class FrontendScanner(Scanner):
    """Walks what a client sends. All of it is for the server, except Terminate and what is behind it."""

    cdef Py_ssize_t walk_at(self, const unsigned char *buffer, Py_ssize_t end) except -1:
        cdef Py_ssize_t at = self._mend(buffer, end) if self.cut else self.skip
        cdef int kind, length, action
        cdef Tally tally = self.tally
        while end - at >= HEADER:
            kind = buffer[at]
            length = length_at(buffer + at)
            action = FRONTEND_ACTIONS[kind]
            if length < 4 or action == ILLEGAL:
                raise reference._violation("client", kind, length)
            if action == BATCH:
                tally.batch_open = True
                if kind == EXECUTE:
                    tally.queries += 1
            elif action == LOOK:
                if kind == TERMINATE:
                    self.skip = 0
                    return at
                if kind == COPY_DONE or kind == COPY_FAIL:
                    tally.copy_ended()
                else:
                    tally.requested(kind)
            at += <Py_ssize_t>length + 1
        if at >= end:
            self.skip = at - end
        elif buffer[at] == TERMINATE:
            self.skip = 0
            return at
        else:
            self._keep(buffer + at, end - at, HEADER)
        return end


cdef class BackendScanner(Scanner):
    """Walks what a server sends. All of it is for the client."""

    cdef Py_ssize_t walk_at(self, const unsigned char *buffer, Py_ssize_t end) except -1:
        cdef Py_ssize_t at = self._mend(buffer, end) if self.cut else self.skip
        cdef Py_ssize_t behind
        cdef int kind, length, action, status
        cdef Tally tally = self.tally
        while end - at >= HEADER:
            kind = buffer[at]
            length = length_at(buffer + at)
            action = BACKEND_ACTIONS[kind]
            if length < 4 or action == ILLEGAL:
                raise reference._violation("server", kind, length)
            behind = at + <Py_ssize_t>length + 1
            if action == LOOK:
                if kind == READY_FOR_QUERY and length != 5:
                    raise reference._violation("server", kind, length)
                if behind > end and length <= MAX_LOOKED_AT:
                    self._keep(buffer + at, end - at, <Py_ssize_t>length + 1)
                    return end
                if kind == READY_FOR_QUERY:
                    tally.owed -= 1
                    status = buffer[at + HEADER]
                    tally.status = status
                    if status == IDLE:
                        tally.transactions += 1
                else:
                    self._look(kind, buffer[at + HEADER : min(behind, end)], length)
            at = behind
        if at >= end:
            self.skip = at - end
        else:
            self._keep(buffer + at, end - at, HEADER)
        return end

    cdef int _look(self, int kind, bytes body, Py_ssize_t length) except -1:
        cdef Tally tally = self.tally
        if kind == COPY_IN_RESPONSE or kind == COPY_BOTH_RESPONSE:
            tally.copy_began()
        elif kind == ERROR_RESPONSE:
            tally.errors += 1
            tally.copying = False
            fields = parse_fields(body)
            if fields.get("V", fields.get("S")) in ("FATAL", "PANIC"):
                tally.fatal = f"{fields.get('C', '?????')} {fields.get('M', '')}"
        elif length > MAX_LOOKED_AT:
            tally.owed += 1
        else:
            note_parameter(body, tally.parameters)
        return 0


cdef class PlainFrontend(Scanner):
    """The walk of `agroal.wire.plain`."""

    cdef Py_ssize_t walk_at(self, const unsigned char *buffer, Py_ssize_t end) except -1:
        cdef Py_ssize_t at = self._mend(buffer, end) if self.cut else self.skip
        cdef int kind, length
        while end - at >= HEADER:
            kind = buffer[at]
            length = length_at(buffer + at)
            if length < 4 or FRONTEND_ACTIONS[kind] == ILLEGAL:
                raise reference._violation("client", kind, length)
            if kind == TERMINATE:
                self.skip = 0
                return at
            at += <Py_ssize_t>length + 1
        if at >= end:
            self.skip = at - end
        elif buffer[at] == TERMINATE:
            self.skip = 0
            return at
        else:
            self._keep(buffer + at, end - at, HEADER)
        return end


cdef class PlainBackend(Scanner):
    """Lets everything pass."""

    cdef Py_ssize_t walk_at(self, const unsigned char *buffer, Py_ssize_t end) except -1:
        if buffer[0] == ERROR_RESPONSE:
            note_death(self.tally, buffer[:end])
        return end
