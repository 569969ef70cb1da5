#include "math/team.h"

#include "fineprobe/memory.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 4000 }; /* looks for new work before going to sleep: some tens of microseconds */

typedef struct member {
    struct fp_team *team;
    pthread_t thread;
    int number;
} member;

struct fp_team {
    const fp_kernels *kernels;
    int threads, started;
    float *rooms;
    member *members; /* [threads], the first is the caller */
    /* The work at hand. */
    fp_team_work *work;
    void *context;
    size_t n;
    atomic_size_t next; /* part that nobody has taken */
    atomic_int busy;    /* members that are not through with it */
    /* Its number; workers wait until it changes. */
    atomic_uint turn;
    int closing;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static void take_parts(fp_team *team, int thread) {
    size_t part;
    while ((part = atomic_fetch_add(&team->next, 1)) < team->n)
        team->work(team->context, part, thread);
}

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Returns when the turn is no longer SEEN. */
static unsigned wait_for_turn(fp_team *team, unsigned seen) {
    unsigned turn;
    for (int i = 0; i < SPINS; i++, pause_briefly())
        if ((turn = atomic_load(&team->turn)) != seen)
            return turn;
    pthread_mutex_lock(&team->lock);
    while ((turn = atomic_load(&team->turn)) == seen)
        pthread_cond_wait(&team->wake, &team->lock);
    pthread_mutex_unlock(&team->lock);
    return turn;
}

static void next_turn(fp_team *team) {
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add(&team->turn, 1);
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->lock);
}

static void *member_main(void *argument) {
    const member *self = argument;
    fp_team *team = self->team;
    for (unsigned seen = 0;;) {
        seen = wait_for_turn(team, seen);
        if (team->closing)
            return NULL;
        take_parts(team, self->number);
        atomic_fetch_sub(&team->busy, 1);
    }
}

void fp_team_run(fp_team *team, size_t n, fp_team_work *work, void *context) {
    if (n <= 1 || team->threads == 1) {
        for (size_t part = 0; part < n; part++)
            work(context, part, 0);
        return;
    }
    team->work = work;
    team->context = context;
    team->n = n;
    atomic_store(&team->next, 0);
    atomic_store(&team->busy, team->threads - 1);
    next_turn(team);
    take_parts(team, 0);
    for (int i = 0; atomic_load(&team->busy) > 0; i++)
        if (i < SPINS)
            pause_briefly();
        else
            sched_yield(); /* more threads than cores: the others need this one */
}

static int start(fp_team *team, fp_error *error) {
    for (int i = 0; i < team->threads; i++)
        team->members[i] = (member){.team = team, .number = i};
    for (team->started = 1; team->started < team->threads; team->started++)
        if (pthread_create(&team->members[team->started].thread, NULL, member_main,
                           &team->members[team->started]) != 0)
            return fp_fail(error, "cannot start thread %d of %d", team->started + 1, team->threads);
    return 0;
}

fp_team *fp_team_create(int threads, fp_error *error) {
    fp_team *team = fp_alloc(1, sizeof *team, "threads", error);
    if (!team)
        return NULL;
    team->threads = threads > 1 ? threads : 1;
    team->kernels = fp_kernels_best();
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->wake, NULL);
    size_t room = FP_PRODUCT_ROOM * sizeof(float);
    team->members = fp_alloc((size_t)team->threads, sizeof *team->members, "threads", error);
    team->rooms = fp_alloc((size_t)team->threads, room, "room for matrix products", error);
    if (!team->members || !team->rooms || start(team, error) < 0) {
        fp_team_free(team);
        return NULL;
    }
    return team;
}

void fp_team_free(fp_team *team) {
    if (!team)
        return;
    team->closing = 1;
    next_turn(team);
    for (int i = 1; i < team->started; i++)
        pthread_join(team->members[i].thread, NULL);
    pthread_mutex_destroy(&team->lock);
    pthread_cond_destroy(&team->wake);
    free(team->members);
    free(team->rooms);
    free(team);
}

int fp_team_threads(const fp_team *team) {
    return team->threads;
}

const fp_kernels *fp_team_kernels(const fp_team *team) {
    return team->kernels;
}

size_t fp_team_memory(int threads) {
    size_t n = threads > 1 ? (size_t)threads : 1;
    return sizeof(fp_team) + n * (sizeof(member) + FP_PRODUCT_ROOM * sizeof(float));
}

float *fp_team_room(const fp_team *team, int thread) {
    return team->rooms + (size_t)thread * FP_PRODUCT_ROOM;
}
