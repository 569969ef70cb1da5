#include "fineprobe/team.h"

#include "fineprobe/memory.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct member {
    fp_team *team;
    int worker;
    pthread_t thread;
} member;

struct fp_team {
    int threads;
    member *members; /* [threads]; 0 has no thread of its own */
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    unsigned long round; /* counts calls of fp_team_run */
    int busy, over;
    size_t n;
    atomic_size_t next;
    fp_team_job *job;
    void *context;
};

static void work(fp_team *team, int worker) {
    for (;;) {
        size_t item = atomic_fetch_add(&team->next, 1);
        if (item >= team->n)
            return;
        team->job(team->context, item, worker);
    }
}

static void *live(void *argument) {
    member *self = argument;
    fp_team *team = self->team;
    unsigned long seen = 0;
    pthread_mutex_lock(&team->lock);
    for (;;) {
        while (team->round == seen && !team->over)
            pthread_cond_wait(&team->begin, &team->lock);
        if (team->over)
            break;
        seen = team->round;
        pthread_mutex_unlock(&team->lock);
        work(team, self->worker);
        pthread_mutex_lock(&team->lock);
        if (--team->busy == 0)
            pthread_cond_signal(&team->end);
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

fp_team *fp_team_create(int threads, fp_error *error) {
    fp_team *team = fp_alloc(1, sizeof *team, "threads", error);
    if (!team)
        return NULL;
    team->members = fp_alloc((size_t)threads, sizeof *team->members, "threads", error);
    if (!team->members) {
        free(team);
        return NULL;
    }
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->begin, NULL);
    pthread_cond_init(&team->end, NULL);
    for (team->threads = 1; team->threads < threads; team->threads++) {
        member *next = team->members + team->threads;
        *next = (member){.team = team, .worker = team->threads};
        if (pthread_create(&next->thread, NULL, live, next) != 0)
            break;
    }
    return team;
}

void fp_team_destroy(fp_team *team) {
    if (!team)
        return;
    pthread_mutex_lock(&team->lock);
    team->over = 1;
    pthread_cond_broadcast(&team->begin);
    pthread_mutex_unlock(&team->lock);
    for (int i = 1; i < team->threads; i++)
        pthread_join(team->members[i].thread, NULL);
    pthread_cond_destroy(&team->begin);
    pthread_cond_destroy(&team->end);
    pthread_mutex_destroy(&team->lock);
    free(team->members);
    free(team);
}

int fp_team_threads(const fp_team *team) {
    return team->threads;
}

void fp_team_run(fp_team *team, size_t n, fp_team_job *job, void *context) {
    team->n = n;
    team->job = job;
    team->context = context;
    atomic_store(&team->next, 0);
    if (team->threads == 1 || n < 2) {
        work(team, 0);
        return;
    }
    pthread_mutex_lock(&team->lock);
    team->busy = team->threads - 1;
    team->round++;
    pthread_cond_broadcast(&team->begin);
    pthread_mutex_unlock(&team->lock);
    work(team, 0);
    pthread_mutex_lock(&team->lock);
    while (team->busy > 0)
        pthread_cond_wait(&team->end, &team->lock);
    pthread_mutex_unlock(&team->lock);
}
