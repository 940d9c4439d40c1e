# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `agroal.net.pump`: what it does is said there. A turn makes no object, and calls a flow directly."""

import socket
import ssl

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_SetFromErrno
from cpython.method cimport PyMethod_Check, PyMethod_GET_FUNCTION, PyMethod_GET_SELF
from libc.errno cimport EAGAIN, EINTR, errno

from agroal.net import arriving
from agroal.net import pump as reference

from agroal.net._system cimport (
    AF_UNIX, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT,
    EPOLLRDHUP, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, NI_NUMERICHOST, NI_NUMERICSERV, SOCK_CLOEXEC, SOCK_NONBLOCK,
    accept4, close, epoll_create1, epoll_ctl, epoll_event, epoll_wait, getnameinfo, now, recv, sockaddr,
    sockaddr_storage, socklen_t,
)
from agroal.net._system cimport send as send_now

cdef enum:
    READY_AT_ONCE = 128
    OUTSIDE = -1
    PEEKED_AT_MOST = 1024
    NAME_AT_MOST = 64
    NUMBER_AT_MOST = 8
    HANGUP = EPOLLHUP | EPOLLERR | EPOLLRDHUP

cdef int ROUNDS = reference.ROUNDS
cdef object PEEKED = reference.PEEKED
cdef object log = reference.log
cdef object SSLSocket = ssl.SSLSocket
cdef object Socket = socket.socket
cdef object _nothing = reference.nothing
cdef str LOCAL = arriving.LOCAL
cdef epoll_event[READY_AT_ONCE] _ready  # of the one turn that is under way


cdef class Relay:
    """What a channel calls without going through Python, if its `on_readable` is the `relay` of one."""

    cdef int ready(self) except -1:
        raise NotImplementedError


cdef class Pump:
    """The epoll set, the shared buffer, and the turn."""

    def __init__(self):
        self.buffer = bytearray(reference.BUFFER_SIZE)
        self.view = memoryview(self.buffer)
        self._channels = []
        self._retired = []
        self._left = []
        self._epoll = epoll_create1(EPOLL_CLOEXEC)
        if self._epoll < 0:
            PyErr_SetFromErrno(OSError)

    def __len__(self):
        return self._size

    def fileno(self):
        return self._epoll

    def turn(self):
        cdef int found, at
        cdef Channel channel
        self._turning = True
        try:
            for _ in range(ROUNDS):
                found = epoll_wait(self._epoll, _ready, READY_AT_ONCE, 0)
                if found <= 0:
                    if found < 0 and errno != EINTR:
                        PyErr_SetFromErrno(OSError)
                    return
                self._moment = now()
                for at in range(found):
                    channel = <Channel>self._channels[_ready[at].data.fd]
                    if channel is not None:
                        self._serve(channel, _ready[at].events)
                if found == 1:
                    return
        finally:
            self._turning = False
            self._moment = 0
            if self._retired:
                for sock in self._retired:
                    sock.close()
                self._retired.clear()
            if self._left:
                for fd in self._left:
                    close(fd)
                self._left.clear()

    cdef double now(self) noexcept:
        """The time; while a round of a turn is under way, when it began."""
        return self._moment if self._moment else now()

    cdef int _serve(self, Channel channel, unsigned int events) except -1:
        try:
            if events != EPOLLIN:
                channel.serve(events)
            elif channel._relay is not None:
                channel._relay.ready()
            else:
                channel._on_readable()
        except Exception:
            log.exception("internal error on %s: its connection is closed", channel)
            channel.on_hangup()
        return 0

    def close(self):
        if self._epoll >= 0:
            close(self._epoll)
            self._epoll = -1

    cdef int _watch(self, Channel channel, int events) except -1:
        cdef epoll_event event
        cdef int operation = EPOLL_CTL_ADD if channel._watched == OUTSIDE else EPOLL_CTL_MOD
        event.events = <unsigned int>events
        event.data.fd = channel.fd
        if epoll_ctl(self._epoll, operation, channel.fd, &event) < 0:
            PyErr_SetFromErrno(OSError)
        if operation == EPOLL_CTL_ADD:
            while len(self._channels) <= channel.fd:
                self._channels.append(None)
            self._channels[channel.fd] = channel
            self._size += 1
        channel._watched = events
        return 0

    def forget(self, Channel channel, bint closing=False):
        cdef epoll_event event
        if channel._watched == OUTSIDE:
            return
        channel._watched = OUTSIDE
        self._channels[channel.fd] = None
        self._size -= 1
        if not closing and epoll_ctl(self._epoll, EPOLL_CTL_DEL, channel.fd, &event) < 0:
            PyErr_SetFromErrno(OSError)

    def retire(self, sock):
        if self._turning:
            self._retired.append(sock)
        else:
            sock.close()

    cdef int _leave(self, int fd) except -1:
        """As `retire`, of what has no socket object."""
        if self._turning:
            self._left.append(fd)
        else:
            close(fd)
        return 0


def accepted(Channel listening):
    """The twin of `agroal.net.arriving.accepted`."""
    cdef sockaddr_storage address
    cdef socklen_t size = sizeof(address)
    cdef char[NAME_AT_MOST] host
    cdef char[NUMBER_AT_MOST] port
    cdef Channel client = Channel.__new__(Channel)
    cdef int fd = accept4(listening.fd, <sockaddr *>&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)
    if fd < 0:
        PyErr_SetFromErrno(OSError)
    client._bare = True  # it has no socket object that closes its descriptor
    client._begin(listening.pump, fd)
    if address.ss_family == AF_UNIX:
        client._label = LOCAL
        return client, None
    if getnameinfo(
        <sockaddr *>&address, size, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV
    ):
        raise OSError("a client has an address that can't be written")
    client._host, client._port = host.decode("ascii"), port.decode("ascii")
    return client, client._host


cdef class Channel:
    """One connected socket in the pump, and what is to happen when it is ready."""

    def __cinit__(self):
        self.fd = OUTSIDE

    def __init__(self, Pump pump, sock, str label):
        sock.setblocking(False)
        self.sock = sock
        self._label = label
        self._begin(pump, sock.fileno())

    def __dealloc__(self):
        if self.fd >= 0 and self._bare:
            close(self.fd)

    cdef int _begin(self, Pump pump, int fd) except -1:
        self.pump = pump
        self.fd = fd
        self.unsent = b""
        self.unread = b""
        self._watched = OUTSIDE
        self._ignored = self._on_readable = self.on_hangup = self._ignore
        self.on_drained = _nothing
        return 0

    def __repr__(self):
        return f"<Channel {self.label} fd={self.fd}>"

    @property
    def label(self):
        if self._label is None:
            self._label = f"{self._host}:{self._port}"
        return self._label

    @property
    def sock(self):
        if self._bare and self.fd >= 0:  # nobody has asked for it so far
            self._sock = Socket(fileno=self.fd)
            self._bare = False
            self._sock.setblocking(False)
        return self._sock

    @sock.setter
    def sock(self, sock):
        self._sock = sock
        self.encrypted = isinstance(sock, SSLSocket)

    @property
    def closed(self):
        return self.fd < 0

    @property
    def on_readable(self):
        return self._on_readable

    @on_readable.setter
    def on_readable(self, call):
        self._relay = None
        self._on_readable = call
        if PyMethod_Check(call) and isinstance(<object>PyMethod_GET_SELF(call), Relay):
            if (<object>PyMethod_GET_FUNCTION(call)).__name__ == "relay":
                self._relay = <Relay>PyMethod_GET_SELF(call)

    def attend(self, on_readable, on_hangup=None):
        self.attended = True
        self.on_readable = on_readable
        self.on_hangup = self._ignored if on_hangup is None else on_hangup
        self._adjust()

    cdef int attend_to(self, Relay relay, object on_readable, object on_hangup) except -1:
        """`attend`, where it is known that `on_readable` is the `relay` of this one."""
        self.attended = True
        self._relay = relay
        self._on_readable = on_readable
        self.on_hangup = on_hangup
        self._adjust()
        return 0

    cdef int watch_over(self, object on_readable) except -1:
        """`attend`, where it is known that `on_readable` is no `relay`, and a hang-up is of no matter."""
        self.attended = True
        self._relay = None
        self._on_readable = on_readable
        self.on_hangup = self._ignored
        self._adjust()
        return 0

    def ignore(self):
        self.attended = False
        self._relay = None
        self._on_readable = self.on_hangup = self._ignored

    def pause(self, bint until_end=False):
        self.attended = False
        self._adjust(EPOLLRDHUP if until_end else 0)

    def resume(self):
        self.attended = True
        self._adjust()

    def write(self, data):
        cdef Py_buffer view
        cdef Py_ssize_t sent
        if self.unsent:
            self.unsent += bytes(data)
            return False
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            sent = self.send(data, <const unsigned char *>view.buf, view.len)
            if sent == view.len:
                return True
            self.unsent = (<const unsigned char *>view.buf)[sent : view.len]
        finally:
            PyBuffer_Release(&view)
        self._adjust()
        return False

    cdef Py_ssize_t send(self, object data, const unsigned char *start, Py_ssize_t size) except -1:
        """How much of this the socket takes now: `size` bytes at `start`, of which `data` is another view."""
        cdef Py_ssize_t sent
        if self.encrypted:  # OpenSSL's to write
            try:
                return self._sock.send(data)
            except BlockingIOError:
                return 0
        sent = send_now(self.fd, start, <size_t>size, MSG_NOSIGNAL | MSG_DONTWAIT)
        if sent < 0:
            if errno == EAGAIN or errno == EINTR:
                return 0
            PyErr_SetFromErrno(OSError)
        return sent

    def keep(self, rest):
        self.unsent = bytes(rest)
        self._adjust()

    def serve(self, unsigned int events):
        if events & EPOLLOUT and self.unsent:
            self._drain()
        if self.fd < 0 or not events & (EPOLLIN | <unsigned int>HANGUP):
            return
        if self.attended:
            self._on_readable()
        else:
            self.on_hangup()

    def peek(self, Py_ssize_t size=1):
        cdef unsigned char[PEEKED_AT_MOST] seen
        cdef Py_ssize_t received
        if self.encrypted:
            try:
                self.unread += self._sock.recv(PEEKED)
            except BlockingIOError:
                return None
            except OSError:
                return b""
            return self.unread[:size]
        received = recv(self.fd, seen, <size_t>min(size, PEEKED_AT_MOST), MSG_PEEK | MSG_DONTWAIT)
        if received > 0:
            return seen[:received]
        return None if received < 0 and errno == EAGAIN else b""

    def take(self, Py_ssize_t size):
        cdef Py_ssize_t received
        cdef unsigned char *room = <unsigned char *>PyByteArray_AS_STRING(self.pump.buffer)
        if self.encrypted:
            try:
                return self._sock.recv(size)
            except BlockingIOError:
                return None
            except OSError:
                return b""
        received = recv(self.fd, room, <size_t>min(size, len(self.pump.buffer)), MSG_DONTWAIT)
        if received > 0:
            return room[:received]
        return None if received < 0 and errno == EAGAIN else b""

    def drop_unread(self):
        for _ in range(ROUNDS):
            if not self.take(len(self.pump.buffer)):
                return

    def close(self):
        if self.fd < 0:
            return
        self.pump.forget(self, True)
        if self._bare:
            self.pump._leave(self.fd)
        else:
            self.pump.retire(self._sock)
        self.fd = OUTSIDE
        self.attended = False
        self.unsent = b""
        self._relay = None
        self._ignored = self._on_readable = self.on_drained = self.on_hangup = _nothing

    cdef int _drain(self) except -1:
        cdef Py_ssize_t sent
        cdef bytes unsent = self.unsent
        try:
            sent = self.send(unsent, unsent, len(unsent))
        except OSError:
            self.unsent = b""
            self._adjust()
            self.on_hangup()
            return 0
        self.unsent = unsent[sent:]
        if not self.unsent:
            self._adjust()
            self.on_drained()
        return 0

    cdef int _adjust(self, int extra=0) except -1:
        cdef int events = (EPOLLIN if self.attended else extra) | (EPOLLOUT if self.unsent else 0)
        if events != self._watched:
            self.pump._watch(self, events)
        return 0

    def _ignore(self):
        if self.unsent:
            self._adjust()
        else:
            self.pump.forget(self)
