# System calls, as C has them.

from libc.stdint cimport uint32_t

cdef extern from "unistd.h" nogil:
    int close(int fd)

cdef extern from "sys/socket.h" nogil:
    ctypedef unsigned int socklen_t
    ctypedef unsigned short sa_family_t
    struct sockaddr:
        sa_family_t sa_family
    struct sockaddr_storage:
        sa_family_t ss_family
    int accept4(int fd, sockaddr *address, socklen_t *size, int flags)
    int AF_UNIX
    int SOCK_NONBLOCK
    int SOCK_CLOEXEC
    ssize_t recv(int fd, void *buffer, size_t size, int flags)
    ssize_t send(int fd, const void *buffer, size_t size, int flags)
    int MSG_NOSIGNAL
    int MSG_DONTWAIT
    int MSG_PEEK

cdef extern from "netdb.h" nogil:
    int getnameinfo(const sockaddr *address, socklen_t size, char *host, socklen_t host_size, char *port,
                    socklen_t port_size, int flags)
    enum:
        NI_NUMERICHOST, NI_NUMERICSERV

cdef extern from "time.h" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *now)
    int CLOCK_MONOTONIC

cdef extern from "sys/epoll.h" nogil:
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int most, int timeout)
    enum:
        EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR
        EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL
        EPOLL_CLOEXEC

cdef inline double now() noexcept:
    """As `time.monotonic`."""
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec + time.tv_nsec * 1e-9
