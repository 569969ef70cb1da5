#include "starter.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORTS_FD = 3, MOST_PIECES = 64 };

struct fp_starter {
    pid_t process;
    int socket;
    int n_early; /* ends that arrived while an answer was awaited */
    fp_ended early[MOST_PIECES];
};

/* What goes over the socket pair; a request carries the specification's and the report pipe's descriptors. */
typedef struct fp_request {
    int threads;
    double memory;
} fp_request;

typedef struct fp_answer {
    enum { ANSWER_STARTED, ANSWER_ENDED } kind;
    int error; /* errno of a start that failed */
    fp_ended ended;
} fp_answer;

/* ---- the starter's side ---- */

/* Memory of its own: files that are mapped do not count. And where the node runs out of memory, the piece is
 * to go, not its rank. */
static void limit_memory(double bytes) {
#ifndef __SANITIZE_ADDRESS__ /* which takes terabytes of addresses */
    if (bytes > 0)
        setrlimit(RLIMIT_DATA, &(struct rlimit){(rlim_t)bytes, (rlim_t)bytes});
#else
    (void)bytes;
#endif
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "500", 3) < 0) {
            /* a wish */
        }
        close(fd);
    }
}

/* Becomes the piece; never returns. Its own process group keeps signals meant for the rank away from it. */
static void become_piece(int specification, int reports, const fp_request *request, pid_t starter) {
    char text[16];
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != starter) /* it died before the line above */
        _exit(127);
    snprintf(text, sizeof text, "%d", request->threads);
    setenv("OPENBLAS_NUM_THREADS", text, 1);
    setenv("OMP_NUM_THREADS", text, 1);
    /* above the two targets first, lest one overwrite the other */
    int high = fcntl(reports, F_DUPFD, 10);
    if (dup2(specification, STDIN_FILENO) < 0 || high < 0 || dup2(high, REPORTS_FD) < 0)
        _exit(127);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    /* The rank decides when a piece stops, also where everybody gets a signal. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    limit_memory(request->memory);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl("/proc/self/exe", "fineprobe", "piece", (char *)NULL);
    _exit(127);
}

static int receive_request(int socket, fp_request *request, int fds[2]) {
    char control[CMSG_SPACE(2 * sizeof(int))];
    struct iovec part = {request, sizeof *request};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *head = n == (ssize_t)sizeof *request ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(2 * sizeof(int)))
        return -1;
    memcpy(fds, CMSG_DATA(head), 2 * sizeof(int));
    return 0;
}

static void reply(int socket, const fp_answer *answer) {
    while (send(socket, answer, sizeof *answer, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static int serve_request(int socket, pid_t *current) {
    fp_request request;
    int fds[2];
    if (receive_request(socket, &request, fds) < 0)
        return -1;
    pid_t self = getpid(), piece = fork();
    if (piece == 0)
        become_piece(fds[0], fds[1], &request, self);
    fp_answer answer = {.kind = ANSWER_STARTED, .error = piece < 0 ? errno : 0, .ended = {.piece = piece}};
    close(fds[0]);
    close(fds[1]);
    reply(socket, &answer);
    *current = piece;
    return 0;
}

static void report_ends(int socket, pid_t *current) {
    int status;
    struct rusage usage;
    pid_t piece;
    while ((piece = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        fp_answer answer = {.kind = ANSWER_ENDED, .ended = {.piece = piece, .status = status}};
        answer.ended.seconds = (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec +
                               (double)usage.ru_stime.tv_sec + 1e-6 * (double)usage.ru_stime.tv_usec;
        *current = piece == *current ? 0 : *current;
        answer.ended.peak_memory = 1024.0 * (double)usage.ru_maxrss;
        reply(socket, &answer);
    }
}

/* The starter's life: until its rank closes the socket or dies. */
static void serve(int socket) {
    sigset_t all, child;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* the rank decides what a signal means */
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int ends = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    pid_t current = 0;
    struct pollfd watched[2] = {{.fd = socket, .events = POLLIN}, {.fd = ends, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            break;
        struct signalfd_siginfo info;
        if (watched[1].revents && read(ends, &info, sizeof info) > 0)
            report_ends(socket, &current);
        if (watched[0].revents && serve_request(socket, &current) < 0)
            break;
    }
    /* The piece does not outlive its starter by a moment: the next session may use the same files. (Should
     * the starter be killed, PR_SET_PDEATHSIG ends it.) */
    if (current > 0)
        kill(current, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
    _exit(0);
}

/* ---- the rank's side ---- */

fp_starter *fp_starter_create(fp_error *error) {
    int pair[2];
    fp_starter *starter = fp_alloc(1, sizeof *starter, "the starter", error);
    if (!starter)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        fp_fail_errno(error, "cannot create a socket pair");
        free(starter);
        return NULL;
    }
    pid_t rank = getpid();
    starter->process = fork();
    if (starter->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]);
        if (getppid() == rank)
            serve(pair[1]);
        _exit(0);
    }
    close(pair[1]);
    starter->socket = pair[0];
    if (starter->process < 0) {
        fp_fail_errno(error, "cannot fork the starter");
        close(pair[0]);
        free(starter);
        return NULL;
    }
    return starter;
}

void fp_starter_destroy(fp_starter *starter) {
    if (!starter)
        return;
    close(starter->socket);
    while (waitpid(starter->process, NULL, 0) < 0 && errno == EINTR)
        ;
    free(starter);
}

static int send_request(int socket, fp_request request, int specification, int reports) {
    int fds[2] = {specification, reports};
    char control[CMSG_SPACE(sizeof fds)] = {0};
    struct iovec part = {&request, sizeof request};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(head), fds, sizeof fds);
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* 1: an answer, 0: none yet (only with MSG_DONTWAIT), -1: the starter is gone. */
static int receive_answer(fp_starter *starter, int flags, fp_answer *out, fp_error *error) {
    ssize_t n;
    do
        n = recv(starter->socket, out, sizeof *out, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n != (ssize_t)sizeof *out)
        return fp_fail(error, "the starter of this rank is gone; it was killed, or memory ran out");
    return 1;
}

static int await_start(fp_starter *starter, pid_t *piece, fp_error *error) {
    fp_answer answer;
    for (;;) {
        if (receive_answer(starter, 0, &answer, error) < 0)
            return FP_STARTER_GONE;
        if (answer.kind == ANSWER_STARTED)
            break;
        if (starter->n_early < MOST_PIECES)
            starter->early[starter->n_early++] = answer.ended;
    }
    *piece = answer.ended.piece;
    return answer.error ? fp_fail(error, "cannot start a piece of work: %s", strerror(answer.error)) : 0;
}

static int memory_file(const char *text, fp_error *error) {
    int fd = memfd_create("specification", MFD_CLOEXEC);
    if (fd < 0)
        return fp_fail_errno(error, "cannot create a file in memory");
    if (fp_write_all(fd, text, strlen(text), error) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int fp_starter_start(fp_starter *starter, const char *specification, int threads, double memory, int *reports,
                     pid_t *piece, fp_error *error) {
    int ends[2], file = memory_file(specification, error);
    if (file < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        close(file);
        return fp_fail_errno(error, "cannot create a pipe");
    }
    int rc = send_request(starter->socket, (fp_request){threads, memory}, file, ends[1]);
    if (rc < 0) {
        fp_fail_errno(error, "the starter of this rank does not answer");
        rc = FP_STARTER_GONE;
    }
    close(file);
    close(ends[1]);
    if (rc == 0)
        rc = await_start(starter, piece, error);
    if (rc < 0) {
        close(ends[0]);
        return rc;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *reports = ends[0];
    return 0;
}

int fp_starter_is_gone(const fp_starter *starter) {
    struct pollfd watched = {.fd = starter->socket, .events = 0};
    return poll(&watched, 1, 0) > 0 && (watched.revents & (POLLHUP | POLLERR)) != 0;
}

int fp_starter_ended(fp_starter *starter, fp_ended *out, fp_error *error) {
    if (starter->n_early > 0) {
        *out = starter->early[--starter->n_early];
        return 1;
    }
    fp_answer answer;
    int rc = receive_answer(starter, MSG_DONTWAIT, &answer, error);
    if (rc == 1)
        *out = answer.ended;
    return rc;
}

int fp_starter_descriptor(const fp_starter *starter) {
    return starter->socket;
}
