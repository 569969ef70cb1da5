/* rank_log.h: what one rank does, line by line, in a file of its own (the option --rank-logs): every piece of
 * work that starts and how it ends. For looking into a sweep that behaves strangely; results do not need it.
 */
#ifndef FINEPROBE_SRC_RANK_LOG_H
#define FINEPROBE_SRC_RANK_LOG_H

#include "fineprobe/piece.h"

typedef struct fp_rank_log fp_rank_log;

/* FOLDER/rank-RANK.log, made when it is missing, written on behind what an earlier session left. */
fp_rank_log *fp_rank_log_open(const char *folder, int rank, fp_error *error);
void fp_rank_log_close(fp_rank_log *log);

/* One line, with date and time before it. LOG may be NULL: nothing. A line that cannot be written harms
 * nobody. */
void fp_rank_log_say(fp_rank_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A piece of work, in words. */
const char *fp_rank_log_piece(const fp_piece *piece, char out[512]);

#endif
