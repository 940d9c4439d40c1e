# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `agroal.wire.halting` and `expectations`: the same walk on bare memory.

What it does is said there, and what is rare is done there: this one decides for itself only what nearly every message
needs.
"""

from collections import deque

from agroal.errors import ProtocolViolation
from agroal.wire import expectations
from agroal.wire import halting as reference
from agroal.wire.backend import note_parameter
from agroal.wire.codes import Backend, Frontend, Status
from agroal.wire.scan import MAX_LOOKED_AT as REFERENCE_MAX
from agroal.wire.scan import _violation
from agroal.wire.words import FORGETTING, TAGS

from libc.string cimport memchr

from agroal.wire._scan cimport Scanner, Tally

cdef enum:
    HEADER = 5
    PASS = 1
    BATCH = 2

cdef int QUERY = Frontend.QUERY
cdef int PARSE = Frontend.PARSE
cdef int BIND = Frontend.BIND
cdef int DESCRIBE = Frontend.DESCRIBE
cdef int EXECUTE = Frontend.EXECUTE
cdef int CLOSE = Frontend.CLOSE
cdef int SYNC = Frontend.SYNC
cdef int FUNCTION_CALL = Frontend.FUNCTION_CALL
cdef int TERMINATE = Frontend.TERMINATE
cdef int COPY_DONE = Frontend.COPY_DONE
cdef int COPY_FAIL = Frontend.COPY_FAIL
cdef int READY_FOR_QUERY = Backend.READY_FOR_QUERY
cdef int COMMAND_COMPLETE = Backend.COMMAND_COMPLETE
cdef int PARSE_COMPLETE = Backend.PARSE_COMPLETE
cdef int CLOSE_COMPLETE = Backend.CLOSE_COMPLETE
cdef int PARAMETER_STATUS = Backend.PARAMETER_STATUS
cdef int ERROR_RESPONSE = Backend.ERROR_RESPONSE
cdef int IDLE = Status.IDLE
cdef Py_ssize_t MAX_LOOKED_AT = REFERENCE_MAX
cdef Py_ssize_t MOST_HELD = reference.MOST_HELD

cdef object SYNCED = expectations.SYNCED
cdef object ASKED = expectations.ASKED
cdef object PARSED = expectations.PARSED
cdef object CLOSED = expectations.CLOSED
cdef object COPIED = expectations.COPIED

cdef unsigned char FRONTEND_ACTIONS[256]
cdef unsigned char BACKEND_ACTIONS[256]
cdef int _kind
for _kind in range(256):
    FRONTEND_ACTIONS[_kind] = reference.FRONTEND_ACTIONS[_kind]
    BACKEND_ACTIONS[_kind] = reference.BACKEND_ACTIONS[_kind]


cdef inline int length_at(const unsigned char *at) noexcept:
    """Signed: what is too long is negative."""
    return <int>((<unsigned int>at[1] << 24) | (<unsigned int>at[2] << 16) | (<unsigned int>at[3] << 8) | at[4])


# -- words

cdef enum:
    LETTER = 1
    TELLING = 2

cdef unsigned char LETTERS[256]
"""What may be in a word, and what a telling one may begin with."""
for _kind in range(256):
    LETTERS[_kind] = LETTER * (chr(_kind).isascii() and chr(_kind).isalnum() or _kind >= 128 or chr(_kind) in "_$")
    LETTERS[_kind] |= TELLING * (chr(_kind).lower() in "thpsrdu")

cdef inline bint begins(const unsigned char *at, Py_ssize_t size, const char *word, Py_ssize_t length) noexcept:
    """Whether a word of this size begins with these lower-case letters."""
    cdef Py_ssize_t i
    if size < length:
        return False
    for i in range(length):
        if (at[i] | 32) != <unsigned char>word[i] and at[i] != <unsigned char>word[i]:
            return False
    return True

cdef bint is_telling(const unsigned char *word, Py_ssize_t size, bint opening) noexcept:
    """Whether it is a word that is looked for; `opening`: the first one of a statement."""
    cdef unsigned char c = word[0] | 32
    if c == b"t":
        return begins(word, size, "temp", 4)
    if c == b"h":
        return size == 4 and begins(word, size, "hold", 4)
    if c == b"p":
        return begins(word, size, "pg_advisory_", 12) or begins(word, size, "pg_try_advisory_", 16)
    if c == b"s":
        return begins(word, size, "set_config", 10) or (opening and size == 3 and begins(word, size, "set", 3))
    return opening and (
        begins(word, size, "reset", 5)
        or begins(word, size, "deallocate", 10)
        or begins(word, size, "discard", 7)
        or begins(word, size, "unlisten", 8)
    )

cdef bint is_suspicious(const unsigned char *at, const unsigned char *end) noexcept:
    """As `agroal.wire.words.is_suspicious`: true of all that it is true of, and of little else."""
    cdef bint opening = True
    cdef const unsigned char *word
    cdef unsigned char c
    while at < end:
        c = at[0]
        if LETTERS[c]:
            word = at
            at += 1
            while at < end and LETTERS[at[0]]:
                at += 1
            if LETTERS[c] & TELLING and is_telling(word, at - word, opening):
                return True
            opening = False
            continue
        if c == b";":
            opening = True
        elif opening:
            if c == b"/" and at + 1 < end and at[1] == b"*":
                at += 2
                while at + 1 < end and not (at[0] == b"*" and at[1] == b"/"):
                    at += 1
                at += 1
            elif c == b"-" and at + 1 < end and at[1] == b"-":
                while at < end and at[0] != b"\n":
                    at += 1
            elif not (c == b" " or 9 <= c <= 13 or c == 0):
                opening = False
        at += 1
    return False


def suspicious(bytes text):
    """For the tests: whether a text is."""
    cdef const unsigned char *at = text
    return is_suspicious(at, at + len(text))


# -- the tally

cdef class TurnTally(Tally):
    """What the server has still to answer, in order: `agroal.wire.expectations.TurnTally`."""

    def __init__(self, dict parameters):
        Tally.__init__(self, parameters)
        self._first = self._second = None
        self._later = deque()
        self._more = 0
        self._lent = False
        self.in_batch = 0
        self.done = 0
        self.skipping = False
        self.unnamed = None
        self.stale = False
        self.reported = False
        self.retry = self.overlap = None
        self.tags = []

    @property
    def expected(self):
        """As a queue, which its user may change until the tally is used again."""
        if not self._lent:
            self._later.extendleft(mark for mark in (self._second, self._first) if mark is not None)
            self._first = self._second = None
            self._lent = True
        return self._later

    @expected.setter
    def expected(self, expected):
        self._first, self._second, self._later, self._lent = None, None, expected, True

    cdef int _take_back(self) except -1:
        """The first two do not go through the queue: more are expected rarely."""
        self._lent = False
        self._first = self._later.popleft() if self._later else None
        self._second = self._later.popleft() if self._later else None
        self._more = len(self._later)
        return 0

    cdef int _expect(self, object mark) except -1:
        if self._lent:
            self._take_back()
        if self._first is None:
            self._first = mark
        elif self._second is None:
            self._second = mark
        else:
            self._later.append(mark)
            self._more += 1
        return 0

    cdef int _shift(self) except -1:
        self._first, self._second = self._second, None
        if self._more:
            self._second = self._later.popleft()
            self._more -= 1
        return 0

    cpdef requested(self, int kind):
        cdef bint is_sync = kind == SYNC
        if self.copying and is_sync:
            return
        if self.skipping and not is_sync:
            self.queries += 1
            return
        self.skipping = False
        if is_sync:
            self._expect(SYNCED)
        elif self.in_batch:
            self._expect((ASKED, self.in_batch))
        else:
            self._expect(ASKED)
        self.in_batch = 0
        Tally.requested(self, kind)
        if kind == QUERY:
            self.unnamed = None
            self.stale = False

    cpdef batched(self, entry=None):
        self.batch_open = True
        if self.skipping:
            return
        self.in_batch += 1
        if entry is not None:
            self._expect(entry)

    cpdef copy_ended(self):
        if self._lent:
            self._take_back()
        if self.copying:
            self.copying = False
        elif self._first is not None or self.in_batch:
            self._expect(COPIED)

    cpdef copy_began(self):
        expectations.TurnTally.copy_began(self)

    cpdef next(self):
        if self._lent:
            self._take_back()
        while self._first is COPIED:
            self._shift()
        return self._first

    cpdef take_next(self):
        mark = self.next()
        self._shift()
        return mark

    cpdef answered(self, kind):
        self.done += 1
        if self.take_next() != kind:
            raise ProtocolViolation("the server sent an answer that nobody had asked for")

    cpdef ready(self, int status):
        self.owed -= 1
        self.status = status
        self.done = 0
        if status == IDLE:
            self.transactions += 1
        mark = self.take_next()
        if mark is not ASKED and mark is not SYNCED and not (isinstance(mark, tuple) and mark[0] == ASKED):
            raise ProtocolViolation("the server left out an answer")

    failed = expectations.TurnTally.failed


# -- what a client sends

cdef class HaltingFrontend(Scanner):
    """Walks what a client of the transaction pipeline sends."""

    def __init__(self, TurnTally tally):
        Scanner.__init__(self, tally)
        self._tally = tally

    def walk_from(self, const unsigned char[::1] buffer, Py_ssize_t at, Py_ssize_t end):
        if not 0 <= at <= end <= buffer.shape[0]:
            raise ValueError("the walk would leave the buffer")
        return self.walk_at_from(&buffer[0], at, end) if end else 0

    cdef Py_ssize_t walk_at_from(self, const unsigned char *buffer, Py_ssize_t at, Py_ssize_t end) except -1:
        cdef TurnTally tally = self._tally
        cdef int kind, length
        cdef Py_ssize_t behind
        at += self.skip
        while end - at >= HEADER:
            kind = buffer[at]
            length = length_at(buffer + at)
            if length < 4 or not FRONTEND_ACTIONS[kind]:
                raise _violation("client", kind, length)
            behind = at + <Py_ssize_t>length + 1
            if FRONTEND_ACTIONS[kind] == PASS:
                pass
            elif kind == EXECUTE:
                tally.batched()
                tally.queries += 1
            elif kind == QUERY or FRONTEND_ACTIONS[kind] == BATCH:
                if not self._is_plain(kind, buffer, at, behind, end):
                    self.skip = 0
                    return at
            elif kind == TERMINATE:
                self.skip = 0
                return at
            elif kind == COPY_DONE or kind == COPY_FAIL:
                tally.copy_ended()
            else:
                tally.requested(kind)
            at = behind
        self.skip = max(0, at - end)
        if at < end:
            self.cut = buffer[at:end]
            return at
        return end

    cdef int _is_plain(
        self, int kind, const unsigned char *buffer, Py_ssize_t at, Py_ssize_t behind, Py_ssize_t end
    ) except -1:
        """1 when the message can go as it is. If it is not whole yet, what there is of it is held back."""
        cdef TurnTally tally = self._tally
        cdef const unsigned char *body = buffer + at + HEADER
        cdef const unsigned char *stop = buffer + min(behind, end)
        cdef int halts
        if behind - at < HEADER + 2:
            halts = 0
        elif kind == BIND:
            halts = halts_at_bind(body, stop, tally.stale)
        elif behind > end:
            halts = -1 if behind - at <= MOST_HELD else 1
        elif kind == QUERY:
            halts = is_suspicious(body, stop)
        elif kind == PARSE:
            halts = body[0] != 0 or is_suspicious(body, stop)
        else:
            halts = body[0] == b"S" and (body[1] != 0 or tally.stale)
        if halts < 0 and behind <= end:
            halts = 0
        elif halts < 0:
            if end - at > MOST_HELD:
                raise ProtocolViolation("invalid message: a name is too long")
            self.cut = buffer[at:end]
        if halts:
            return 0
        if kind == QUERY:
            tally.requested(kind)
        elif kind == PARSE:
            tally.batched(PARSED)
            if not tally.skipping:
                tally.unnamed = buffer[at:behind]
                tally.stale = False
        elif kind == CLOSE:
            tally.batched(CLOSED)
            if body[0] == b"S" and not tally.skipping:
                tally.unnamed = None
        else:
            tally.batched()
        return 1


cdef int halts_at_bind(const unsigned char *body, const unsigned char *stop, bint stale) noexcept:
    """1 when a Bind names its statement, or means a stale one; -1 while the names have not come."""
    cdef const unsigned char *portal_end
    if body >= stop:
        return -1
    portal_end = <const unsigned char *>memchr(body, 0, stop - body)
    if portal_end == NULL or portal_end + 1 >= stop:
        return -1
    if portal_end[1] == 0:
        return stale
    return 1 if memchr(portal_end + 1, 0, stop - portal_end - 1) != NULL else -1


# -- what a server sends

cdef class HaltingBackend(Scanner):
    """Walks what a server sends to such a client."""

    def __init__(self, TurnTally tally):
        Scanner.__init__(self, tally)
        self._tally = tally

    def walk_from(self, const unsigned char[::1] buffer, Py_ssize_t at, Py_ssize_t end):
        if not 0 <= at <= end <= buffer.shape[0]:
            raise ValueError("the walk would leave the buffer")
        return self.walk_at_from(&buffer[0], at, end) if end else 0

    cdef Py_ssize_t walk_at_from(self, const unsigned char *buffer, Py_ssize_t at, Py_ssize_t end) except -1:
        cdef TurnTally tally = self._tally
        cdef int kind, length, action
        cdef Py_ssize_t behind
        at += self.skip
        while end - at >= HEADER:
            kind = buffer[at]
            length = length_at(buffer + at)
            action = BACKEND_ACTIONS[kind]
            if length < 4 or not action or (kind == READY_FOR_QUERY and length != 5):
                raise _violation("server", kind, length)
            behind = at + <Py_ssize_t>length + 1
            if action == BATCH:
                tally.done += 1
            elif action != PASS:
                if behind > end and length <= MAX_LOOKED_AT:
                    self.skip = 0
                    self.cut = buffer[at:end]
                    return at
                if not self._is_plain(kind, buffer + at + HEADER, buffer + min(behind, end), length):
                    self.skip = 0
                    return at
            at = behind
        self.skip = max(0, at - end)
        if at < end:
            self.cut = buffer[at:end]
            return at
        return end

    cdef int _is_plain(
        self, int kind, const unsigned char *body, const unsigned char *stop, Py_ssize_t length
    ) except -1:
        """1 when the message can go as it is; then it has been counted."""
        cdef TurnTally tally = self._tally
        cdef bytes tag
        if kind == READY_FOR_QUERY:
            head = tally.next()
            if head is not ASKED and head is not None and not isinstance(head, (int, tuple)):
                return 0
            tally.ready(body[0])
        elif kind == COMMAND_COMPLETE:
            if may_matter(body, stop):
                tag = body[: stop - body - 1]
                if tag in FORGETTING:
                    return 0
                if tag in TAGS:
                    tally.tags.append(tag)
            tally.done += 1
        elif kind == PARSE_COMPLETE or kind == CLOSE_COMPLETE:
            head = tally.next()
            if head is not None and not isinstance(head, int):
                return 0
            tally.answered(PARSED if kind == PARSE_COMPLETE else CLOSED)
        elif kind == ERROR_RESPONSE:
            return 0
        elif kind == PARAMETER_STATUS:
            tally.reported = True
            if length > MAX_LOOKED_AT:
                tally.owed += 1
            else:
                note_parameter(body[: stop - body], tally.parameters)
        else:
            tally.copy_began()
        return 1


cdef inline bint may_matter(const unsigned char *tag, const unsigned char *stop) noexcept:
    """Whether a tag may be one of `agroal.wire.words.TAGS`: by its first letters, which are not those of SELECT."""
    if stop - tag < 4:
        return False
    if tag[0] == b"S":
        return tag[2] == b"T"
    if tag[0] == b"D":
        return tag[1] == b"I" or tag[2] == b"A"
    if tag[0] == b"U":
        return tag[1] == b"N"
    return tag[0] == b"R" or tag[0] == b"L" or tag[0] == b"P"
