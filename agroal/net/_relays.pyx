# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `agroal.net.relays`, `hand` and `rank`: the same, without a Python object for what is plain."""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memchr, memcpy

from collections import deque

from agroal.errors import ProtocolViolation
from agroal.net.hand import FRESH as REFERENCE_FRESH
from agroal.net.hand import nothing
from agroal.net.rank import CHECKED as REFERENCE_CHECKED
from agroal.net.traffic import Traffic as ReferenceTraffic
from agroal.pipeline.answering import Answering
from agroal.pipeline.asking import LONGEST_NAME as LONGEST
from agroal.pipeline.asking import Asking
from agroal.pipeline.evidence import NOTHING
from agroal.pool.histogram import BOUNDS_US
from agroal.wire.codes import Frontend, Status

from agroal.net._flow cimport Meter, Stopwatch
from agroal.net._pump cimport Channel, Relay
from agroal.net._system cimport MSG_DONTWAIT, recv
from agroal.wire._halting cimport HaltingBackend, HaltingFrontend, TurnTally

cdef double FRESH = REFERENCE_FRESH
cdef double CHECKED = REFERENCE_CHECKED
cdef int TERMINATE = Frontend.TERMINATE
cdef int BIND = Frontend.BIND
cdef Py_ssize_t LONGEST_NAME = LONGEST
cdef int IDLE = Status.IDLE


cdef class Traffic:
    """The twin of `agroal.net.traffic.Traffic`."""

    cdef public long long queries
    cdef public long long transactions
    cdef public long long bytes_in
    cdef public long long bytes_out

    def __init__(self, queries=0, transactions=0, bytes_in=0, bytes_out=0):
        self.queries = queries
        self.transactions = transactions
        self.bytes_in = bytes_in
        self.bytes_out = bytes_out

    def __repr__(self):
        return repr(ReferenceTraffic(self.queries, self.transactions, self.bytes_in, self.bytes_out))

    def __eq__(self, other):
        return isinstance(other, Traffic) and repr(self) == repr(other)

    def __iadd__(self, Traffic other):
        self.queries += other.queries
        self.transactions += other.transactions
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        return self

    def __add__(self, Traffic other):
        cdef Traffic sum = Traffic(self.queries, self.transactions, self.bytes_in, self.bytes_out)
        sum += other
        return sum


cdef class Hold:
    """What a hand needs of a lease."""

    cdef readonly object server
    cdef readonly Channel channel
    cdef readonly object luggage
    cdef readonly dict parameters
    cdef readonly set cancels
    cdef public object session
    cdef public object lost
    cdef public Py_ssize_t turns
    cdef public double rested
    cdef public double checked
    cdef readonly object outfit

    def __init__(self, server, session, lost, double now):
        self.server = server
        self.channel = server.channel
        self.luggage = server.luggage
        self.parameters = server.parameters
        self.cancels = server.cancels
        self.session = session
        self.lost = lost
        self.turns = 0
        self.rested = now
        self.checked = now


cdef class Rank:
    """The servers of a pool key that stand by, or its clients that stand in line."""

    cdef object _keeper
    cdef public list leases
    cdef readonly object line
    cdef public bint open
    cdef public object ahead
    cdef public object share
    cdef public bint stuck
    cdef Meter _waits

    def __init__(self, keeper):
        self._keeper = keeper
        self.leases = []
        self.line = deque()
        self.open = False
        self.ahead = ()
        self.share = None
        self.stuck = False
        self._waits = Meter(BOUNDS_US)

    cpdef stand_by(self, Hold lease):
        lease.session = None
        lease.outfit = lease.server.outfit
        lease.rested = lease.channel.pump.now()
        if not self.leases:
            self._keeper.arm()
        self.leases.append(lease)
        lease.channel.watch_over(lease.lost)

    def best(self):
        return self.leases.pop() if self.leases else None

    cpdef bint join(self, Hand hand) except -1:
        if not self.stuck or self.leases:
            return False
        if not self.line:
            self._keeper.arm()
        hand.since = hand.client.pump.now()
        self.line.append(hand)
        return True

    def quit(self, Hand hand):
        if hand not in self.line:
            return False
        self.line.remove(hand)
        self.count(hand)
        return True

    cpdef pass_on(self, Hold lease):
        cdef Hand hand = self.line.popleft()
        self.count(hand)
        lease.turns += 1
        lease.session = hand.holder
        hand.receive(lease)

    cpdef count(self, Hand hand):
        self._waits.count(<long long>((hand.client.pump.now() - hand.since) * 1e6))

    def take_counts(self):
        cdef Meter counted = self._waits
        self._waits = Meter(BOUNDS_US)
        return sum(counted.counts), counted.sum, counted.counts


cdef class Hand:
    """A client's hold on servers: which it has, and how it takes and leaves one that stands by."""

    cdef object _joint
    cdef object _turn
    cdef list _seen
    cdef set _left
    cdef object _luggage
    cdef TurnTally _tally
    cdef readonly Channel client
    cdef readonly Requests requests
    cdef readonly Answers answers
    cdef public object holder
    cdef public Rank rank
    cdef public object outfit
    cdef public Stopwatch watch
    cdef public double since
    cdef readonly Hold lease
    cdef readonly object holds
    cdef readonly object counted
    cdef long long _queries
    cdef long long _transactions
    cdef long long _bytes_in
    cdef long long _bytes_out
    cdef object _resume
    cdef object _relay
    cdef object _hung_up

    def __init__(self, joint, Channel client, turn):
        self._joint = joint
        self._turn = turn
        self._tally = turn.tally
        self._seen = turn.seen
        self._left = turn.traces.left
        self.client = client
        self.requests = Requests(self, joint, client, turn)
        self.answers = Answers(self, joint, client, turn)
        self._resume = client.resume
        self._relay = self.answers.relay
        self._hung_up = joint.server_hung_up

    cpdef bint take_standby(self) except -1:
        """Take a server that stands by and needs nothing done to it."""
        cdef list leases
        cdef Py_ssize_t at, best = -1
        cdef Hold lease
        if self.rank is None:
            return False
        leases = self.rank.leases
        at = len(leases)
        while at > 0:
            at -= 1
            lease = <Hold>leases[at]
            if lease.outfit is self.outfit:
                if best < 0:
                    best = at
                if lease.server is self.counted:
                    best = at
                    break
        if best < 0:
            return False
        lease = <Hold>leases[best]
        if self.client.pump.now() > lease.rested + FRESH and lease.channel.peek() is not None:
            return False
        del leases[best]
        lease.turns += 1
        lease.session = self.holder
        self.hold(lease)
        return True

    cpdef count(self):
        """Add what was relayed since this was last called to the totals of the server that it was with."""
        cdef Traffic totals
        if self.counted is None:
            return
        totals = self.counted.totals
        totals.queries += self._tally.queries - self._queries
        totals.transactions += self._tally.transactions - self._transactions
        totals.bytes_in += self.requests.passed - self._bytes_in
        totals.bytes_out += self.answers.passed - self._bytes_out
        self._queries, self._transactions = self._tally.queries, self._tally.transactions
        self._bytes_in, self._bytes_out = self.requests.passed, self.answers.passed

    cpdef bint stand_in_line(self) except -1:
        """Wait for one to come back, if nothing else can help. Whether it does."""
        if self.rank is None or not self.rank.join(self):
            return False
        self.requests.stash()
        return True

    def enroll(self):
        """It stands in line no more, and waits elsewhere."""
        self._joint.enroll(self.since)

    cpdef receive(self, Hold lease):
        """It has waited, and this is its server."""
        if lease.server.outfit is self.outfit:
            self.hold(lease)
            self.go_on()
        else:
            self._joint.prepare(lease)

    cpdef go_on(self):
        """The client may say what it was stopped at."""
        cdef Channel client = self.client
        cdef bytes said = client.unread
        client.unread = b""
        self.requests.waiting = False
        client.attended = True
        client._adjust()
        if said:
            memcpy(self.requests._buffer, <const unsigned char *>said, len(said))
            self.requests.pass_on(len(said))

    cpdef hold(self, Hold lease):
        """It has this server."""
        cdef TurnTally tally = self._tally
        cdef Channel channel = lease.channel
        server = lease.server
        if server is not self.counted:
            self.count()
            self.counted = server
        self.lease = lease
        self.holds = server
        self.requests.sink = self.answers.source = channel
        if lease.luggage is not self._luggage:
            self._turn.luggage = self._luggage = lease.luggage
        tally.parameters = lease.parameters
        tally.stale = lease.luggage.unnamed is not tally.unnamed
        if not tally.stale and self._turn.unnamed_evidence is not None:
            tally.stale = self._turn.unnamed_needs_more
        channel.on_drained = self._resume
        channel.attend_to(self.answers, self._relay, self._hung_up)
        if self.client.unsent:
            channel.pause()

    cpdef leave(self):
        """It has it no more. Whoever has the server now attends it."""
        cdef Channel channel = self.requests.sink
        channel.on_drained = nothing
        if not self._tally.stale and self._luggage.unnamed is not self._tally.unnamed:
            self._luggage.unnamed = self._tally.unnamed
        self._tally.retry = None
        self.lease = self.holds = None
        self.requests.sink = None

    cdef int rest(self) except -1:
        """The turn is over: the server goes to the first in line, or stands by, if there is nothing more to it."""
        cdef TurnTally tally = self._tally
        cdef Rank rank = self.rank
        cdef Hold lease = self.lease
        if (
            rank is None
            or not rank.open
            or rank.ahead
            or tally.tags
            or tally.reported
            or self._seen
            or len(self._left)
            or len(lease.cancels)
            or self.client.pump.now() > lease.checked + CHECKED
        ):
            self._joint.rest()
            return 0
        self.leave()
        if rank.line:
            rank.pass_on(lease)
        else:
            rank.stand_by(lease)
        return 0


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
    cdef Hand _hand

    def __init__(self, Hand hand, joint, Channel client, turn):
        _Direction.__init__(self, joint, client, turn)
        self._hand = hand
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
        cdef bint begins, fresh, goodbye = False
        cdef object data = None
        cdef TurnTally tally = self._hand._tally
        if self.sink is None:
            if self._buffer[0] == TERMINATE:
                self._joint.terminated(self)
                return
            self.pending = end
            if not self._hand.take_standby() and (self._hand.stand_in_line() or not self._joint.take()):
                return
        if tally.overlap is not None:
            self._asking.read_on(self._buffer[: min(self.scanner.skip, end)])
        fresh = self.scanner.skip == 0
        begins = tally.owed == 0 and not tally.batch_open and tally.status == IDLE
        try:
            at = self.scanner.walk_at_from(self._buffer, 0, end)
            if at != end:
                if begins and self._buffer[at] == BIND and len(self.scanner.cut) == 0:
                    data = self._rename(at, end)
                if data is None:
                    data, goodbye = self._asking.look(self._client.pump.buffer, 0, at, end)
                size = len(<bytes>data)
        except ProtocolViolation as error:
            self._joint.violated(self, error)
            return
        self.passed += size
        if self._hand.watch is not None:
            self._hand.watch.look_at(tally, self._buffer, end if fresh else 0, self._client.pump.now())
        if not self._send(data, size, self._client, self.sink):
            self._joint.sink_gone(self)
        elif goodbye:
            self._joint.terminated(self)

    cpdef stash(self):
        """The client has to wait with what it said."""
        self.waiting = True
        self._client.unread = self._buffer[: self.pending]

    cdef object _rename(self, Py_ssize_t at, Py_ssize_t end):
        """What `Asking.look` returns, where all that is to be done is to give one Bind the name that its statement has
        on the server. None where there is more to do: then nothing has been done.
        """
        cdef const unsigned char *body = self._buffer + at + 5
        cdef const unsigned char *portal_end
        cdef const unsigned char *name_end
        cdef Py_ssize_t length, behind
        cdef bytes name, new
        cdef TurnTally tally = self._hand._tally
        length = (body[-4] << 24) | (body[-3] << 16) | (body[-2] << 8) | body[-1]
        behind = at + length + 1
        portal_end = <const unsigned char *>memchr(body, 0, end - at - 5)
        if tally.skipping or behind >= end or portal_end == NULL:
            return None
        name_end = <const unsigned char *>memchr(portal_end + 1, 0, self._buffer + end - portal_end - 1)
        if name_end == NULL or name_end - portal_end > LONGEST_NAME or name_end - portal_end == 1:
            return None
        name = portal_end[1 : name_end - portal_end]
        statement = self._turn.names.get(name)
        luggage = self._turn.luggage
        if statement is None or luggage.doubtful or statement.evidence is not NOTHING:
            return None
        prepared = luggage.prepared
        if statement not in prepared or not self._is_followed_plainly(behind, end):
            return None
        prepared.move_to_end(statement)
        tally.batched()
        self.scanner.walk_at_from(self._buffer, behind, end)
        new = statement.name
        length += len(new) - len(name)
        self._turn.bound = {statement: name}
        if not self._turn.retried and tally.owed == 1 and not tally.batch_open:
            tally.retry = self._buffer[:end]
        self._turn.retried = False
        return b"".join((
            self._buffer[:at],
            b"B%c%c%c%c" % ((length >> 24) & 255, (length >> 16) & 255, (length >> 8) & 255, length & 255),
            body[: portal_end - body + 1],
            new,
            self._buffer[name_end - self._buffer : end],
        ))

    cdef bint _is_followed_plainly(self, Py_ssize_t at, Py_ssize_t end) noexcept:
        """Whether behind a Bind there is only what needs no look: Describe and Close of a portal, Execute, Sync; whole."""
        cdef const unsigned char *message
        cdef Py_ssize_t length
        while end - at >= 5:
            message = self._buffer + at
            length = (message[1] << 24) | (message[2] << 16) | (message[3] << 8) | message[4]
            if length < 4 or at + length + 1 > end:
                return False
            if message[0] == b"D" or message[0] == b"C":
                if length < 6 or message[5] != b"P":
                    return False
            elif message[0] != b"E" and message[0] != b"S" and message[0] != b"H":
                return False
            at += length + 1
        return at == end


cdef class Answers(_Direction):
    """From that server to the client."""

    cdef object _answering
    cdef TurnTally _tally
    cdef readonly HaltingBackend scanner
    cdef public Channel source
    cdef Hand _hand
    cdef HaltingFrontend _requested

    def __init__(self, Hand hand, joint, Channel client, turn):
        _Direction.__init__(self, joint, client, turn)
        self._hand = hand
        self._requested = turn.frontend
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
                self._tally.retry = None
        except ProtocolViolation as error:
            self._joint.violated(self, error)
            return 0
        self.passed += size
        if self._hand.watch is not None:
            self._hand.watch.look_at(self._tally, self._buffer, 0, self._client.pump.now())
        if not self._send(data, size, self.source, self._client):
            self._joint.sink_gone(self)
        elif data is not None and self._answering.again is not None:
            again, self._answering.again = self._answering.again, None
            self._joint.again(again)
        elif self._is_over():
            self._hand.rest()
        return 0

    cdef bint _is_over(self) noexcept:
        """As `agroal.pipeline.turn.Turn.is_over`; and nothing to the server is unsent."""
        cdef TurnTally tally = self._tally
        return (
            tally.owed == 0
            and tally.status == IDLE
            and not tally.batch_open
            and self.scanner.skip == 0
            and len(self.scanner.cut) == 0
            and self._requested.skip == 0
            and len(self._requested.cut) == 0
            and len(self.source.unsent) == 0
        )

    def overhear(self, bytes said):
        """Follow what the server says without passing it on. Raises ProtocolViolation."""
        cdef Py_ssize_t at
        said = self.scanner.cut + said
        self.scanner.cut = b""
        at = self.scanner.walk_at_from(said, 0, len(said))
        if at < len(said):
            self._answering.look(said, 0, at, len(said))
