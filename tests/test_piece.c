/* Pieces of work from outside: specifications, reports, the starter, the lock. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/piece.h"
#include "sweep/lock.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void specifications_survive_the_way(void **state) {
    (void)state;
    fp_error error = {0};
    char *lexcats[] = {"P", "INF.P"};
    fp_piece_checkpoint checkpoints[] = {
        {.index = 7,
         .row = {.run = 3, .model = "tiny", .finetuned_on = "POS", .seed = 9, .step = 50, .digest = "ab"},
         .folder = "f\"o",
         .record = "r"}};
    fp_piece piece = {.kind = FP_PIECE_FINETUNE,
                      .index = 3,
                      .threads = 2,
                      .model = "m",
                      .task = {.name = "PS",
                               .reader = FP_READER_CONLLULEX,
                               .lexcats = lexcats,
                               .n_lexcats = 2,
                               .train = {"a", 1, 800},
                               .test = {"b", 0, 0}},
                      .settings = fp_finetune_defaults(),
                      .state = "s",
                      .losses_at = 11,
                      .start_step = 25,
                      .n_checkpoints = 1,
                      .checkpoints = checkpoints};
    piece.settings.learning_rate = 0.1 + 0.2; /* not a short decimal */
    char *text = fp_piece_format(&piece, &error);
    assert_non_null(text);
    fp_piece back;
    assert_int_equal(fp_piece_parse(text, &back, &error), 0);
    char *again = fp_piece_format(&back, &error);
    assert_string_equal(text, again);
    assert_true(back.settings.learning_rate == piece.settings.learning_rate);
    assert_string_equal(back.checkpoints[0].folder, "f\"o");
    assert_int_equal(back.checkpoints[0].row.step, 50);
    assert_null(back.task.label);
    fp_piece_free(&back);
    free(again);

    for (size_t n = 0; n < strlen(text); n++) { /* cut anywhere: refused */
        char *cut = strndup(text, n);
        assert_int_equal(fp_piece_parse(cut, &back, &error), -1);
        free(cut);
    }
    assert_int_equal(fp_piece_parse("{\"kind\":9,\"index\":0,\"threads\":1}", &back, &error), -1);
    free(text);
}

static void reports_survive_the_way(void **state) {
    (void)state;
    fp_report report = {.kind = FP_REPORT_ERROR, .share = 0.25, .seconds = 3, .memory = 1e9, .index = 4},
              back;
    fp_copy_text(report.message, sizeof report.message, "tensor \"w\"\nis missing");
    char line[1024];
    size_t n = fp_report_format(&report, line, sizeof line);
    assert_int_equal(line[n - 1], '\n');
    assert_null(memchr(line, '\n', n - 1));
    assert_int_equal(fp_report_parse(line, &back), 0);
    assert_string_equal(back.message, report.message);
    assert_true(back.share == 0.25 && back.memory == 1e9 && back.seconds == 3 && back.index == 4 &&
                back.kind == FP_REPORT_ERROR);
    assert_int_equal(fp_report_parse("{}", &back), -1);
    assert_int_equal(fp_report_parse("Segmentation fault", &back), -1);
}

static void one_owner_at_a_time(void **state) {
    (void)state;
    fp_error error = {0};
    char folder[] = "/tmp/fineprobe-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *file = fp_path_join(folder, "sweep.h5", &error);
    int64_t first = 4, second = 0;
    fp_lock *lock = fp_lock_take(file, 0, &first, &error);
    assert_non_null(lock);
    assert_int_equal(first, 5);
    assert_null(fp_lock_take(file, 0, &second, &error));
    assert_non_null(strstr(error.text, "another sweep"));
    fp_lock_release(lock);
    lock = fp_lock_take(file, 0, &second, &error);
    assert_non_null(lock);
    fp_lock_release(lock);
    fp_folder_remove(folder, NULL);
    free(file);
}

/* A process that dies with the lock leaves it to the next one, whose incarnation is higher. */
static void a_dead_owner_is_succeeded(void **state) {
    (void)state;
    fp_error error = {0};
    char folder[] = "/tmp/fineprobe-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *file = fp_path_join(folder, "sweep.h5", &error);
    pid_t child = fork();
    if (child == 0) {
        int64_t incarnation = 41;
        _exit(fp_lock_take(file, 0, &incarnation, &error) ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    int64_t incarnation = 0;
    fp_lock *lock = fp_lock_take(file, 0, &incarnation, &error);
    assert_non_null(lock);
    assert_true(incarnation > 42);
    fp_lock_release(lock);
    fp_folder_remove(folder, NULL);
    free(file);
}

/* 1: a lock that job 77 has left on another host at its start number RESTART is taken over. */
static int is_taken_over(const char *file, int restart) {
    fp_error error = {0};
    char *path = fp_format(&error, "%s.lock", file);
    char *text = fp_format(
        &error, "incarnation 3\nhost elsewhere\nprocess 1\nstart 1\njob 77\nrestart %d\nbeat 0\n", restart);
    assert_int_equal(fp_file_write(path, text, strlen(text), &error), 0);
    int64_t incarnation = 0;
    fp_lock *lock = fp_lock_take(file, 0, &incarnation, &error);
    int taken = lock != NULL;
    assert_int_equal(fp_lock_is_held(file), 1);
    fp_lock_release(lock);
    unlink(path);
    free(path);
    free(text);
    return taken;
}

/* Another host's owner is gone when its job has been started again, not when it is another step of this
 * start, and when somebody who knows says so. */
static void jobs_that_are_gone_are_succeeded(void **state) {
    (void)state;
    fp_error error = {0};
    char folder[] = "/tmp/fineprobe-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *file = fp_path_join(folder, "sweep.h5", &error);
    unsetenv("FINEPROBE_GONE_JOB");
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    assert_int_equal(is_taken_over(file, 0), 0);
    setenv("SLURM_JOB_ID", "77", 1);
    assert_int_equal(is_taken_over(file, 0), 0);
    setenv("SLURM_RESTART_COUNT", "2", 1);
    assert_int_equal(is_taken_over(file, 1), 1);
    assert_int_equal(is_taken_over(file, 2), 0);
    assert_int_equal(is_taken_over(file, 3), 0);
    setenv("SLURM_JOB_ID", "7", 1);
    assert_int_equal(is_taken_over(file, 1), 0);
    setenv("FINEPROBE_GONE_JOB", "7", 1);
    assert_int_equal(is_taken_over(file, 1), 0);
    setenv("FINEPROBE_GONE_JOB", "77", 1);
    assert_int_equal(is_taken_over(file, 1), 1);
    unsetenv("FINEPROBE_GONE_JOB");
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    fp_folder_remove(folder, NULL);
    free(file);
}

/* An owner on another host: refused while it gives signs of life, succeeded when it does not; and it is told.
 */
static void a_silent_owner_elsewhere_is_succeeded(void **state) {
    (void)state;
    fp_error error = {0};
    char folder[] = "/tmp/fineprobe-test-XXXXXX", host[128] = "";
    assert_non_null(mkdtemp(folder));
    gethostname(host, sizeof host - 1);
    char *file = fp_path_join(folder, "sweep.h5", &error), *path = fp_format(&error, "%s.lock", file);
    int64_t incarnation = 0;
    fp_lock *lock = fp_lock_take(file, 0, &incarnation, &error);
    assert_non_null(lock);
    char *text = fp_file_read(path, NULL, &error), *at = strstr(text, host);
    at[0] = at[0] == 'x' ? 'y' : 'x'; /* as if it were elsewhere */
    assert_int_equal(fp_file_write(path, text, strlen(text), &error), 0);
    pid_t child = fork();
    if (child == 0) { /* it lives: its beats */
        for (int i = 0; i < 10; i++) {
            char *beat = strstr(text, "beat ") + 5;
            snprintf(beat, strlen(beat) + 1, "%012d", i + 1);
            strcat(beat, "\n");
            fp_file_write(path, text, strlen(text), &error);
            usleep(100000);
        }
        _exit(0);
    }
    int64_t mine = 0;
    assert_null(fp_lock_take(file, 30, &mine, &error));
    assert_non_null(strstr(error.text, "another sweep"));
    waitpid(child, NULL, 0);
    fp_lock *second = fp_lock_take(file, 0.5, &mine, &error);
    assert_non_null(second);
    assert_true(mine > incarnation);
    assert_int_equal(fp_lock_beat(second, &error), 0);
    assert_int_equal(fp_lock_beat(second, &error), 0);
    assert_int_equal(fp_lock_beat(lock, &error), -1);
    assert_non_null(strstr(error.text, "taken"));
    fp_lock_release(lock); /* not its own any more: stays */
    assert_int_equal(fp_lock_beat(second, &error), 0);
    fp_lock_release(second);
    assert_false(fp_path_exists(path));
    fp_folder_remove(folder, NULL);
    free(file);
    free(path);
    free(text);
}

enum { TAKERS = 4, ROUNDS = 30 };

/* Several who find the same stale lock at once: one gets it. Each owner says so in a shared page while it
 * owns. */
static void one_successor_of_many(void **state) {
    (void)state;
    fp_error error = {0};
    char folder[] = "/tmp/fineprobe-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *file = fp_path_join(folder, "sweep.h5", &error);
    int *owners = mmap(NULL, 2 * sizeof *owners, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < ROUNDS; round++) {
        owners[0] = owners[1] = 0; /* owners; takers that have tried */
        for (int i = 0; i <= TAKERS; i++) {
            pid_t child = fork();
            if (child ==
                0) { /* the first dies with the lock; the others hold it until they are told to end */
                int64_t incarnation = 0;
                if (fp_lock_take(file, 0, &incarnation, &error))
                    __sync_fetch_and_add(owners, 1);
                if (i > 0)
                    __sync_fetch_and_add(owners + 1, 1);
                for (int wait = 0;
                     i > 0 && wait < 3000 && __atomic_load_n(owners + 1, __ATOMIC_SEQ_CST) < TAKERS; wait++)
                    usleep(10000);
                _exit(0);
            }
            if (i == 0) {
                waitpid(child, NULL, 0);
                *owners = 0;
            }
        }
        while (wait(NULL) > 0)
            ;
        assert_int_equal(*owners, 1);
    }
    munmap(owners, 2 * sizeof *owners);
    fp_folder_remove(folder, NULL);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specifications_survive_the_way),
        cmocka_unit_test(reports_survive_the_way),
        cmocka_unit_test(one_owner_at_a_time),
        cmocka_unit_test(a_dead_owner_is_succeeded),
        cmocka_unit_test(jobs_that_are_gone_are_succeeded),
        cmocka_unit_test(a_silent_owner_elsewhere_is_succeeded),
        cmocka_unit_test(one_successor_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
