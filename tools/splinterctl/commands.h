/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - what the table of commands refers to; one file for each family */
#ifndef SPLINTERCTL_COMMANDS_H
#define SPLINTERCTL_COMMANDS_H

#include "command.h"

/* create.c */
int ctl_run_create(const struct ctl_call *call);
int ctl_run_destroy(const struct ctl_call *call);
extern const struct ctl_option ctl_create_options[], ctl_destroy_options[];

/* info.c */
int ctl_run_info(const struct ctl_call *call);
int ctl_run_buses(const struct ctl_call *call);

/* doctor.c */
int ctl_run_doctor(const struct ctl_call *call);

/* bench.c */
int ctl_run_bench(const struct ctl_call *call);
extern const struct ctl_option ctl_bench_options[];

/* get.c */
int ctl_run_get(const struct ctl_call *call);
int ctl_run_head(const struct ctl_call *call);
int ctl_run_ttl(const struct ctl_call *call);
extern const struct ctl_option ctl_get_options[];

/* set.c */
int ctl_run_set(const struct ctl_call *call);
int ctl_run_append(const struct ctl_call *call);
extern const struct ctl_option ctl_set_options[], ctl_append_options[];

/* change.c */
int ctl_run_unset(const struct ctl_call *call);
int ctl_run_incr(const struct ctl_call *call);
int ctl_run_decr(const struct ctl_call *call);
int ctl_run_touch(const struct ctl_call *call);
extern const struct ctl_option ctl_unset_options[];

/* list.c */
int ctl_run_list(const struct ctl_call *call);
extern const struct ctl_option ctl_list_options[];

/* dump.c */
int ctl_run_dump(const struct ctl_call *call);
extern const struct ctl_option ctl_dump_options[];

/* restore.c */
int ctl_run_restore(const struct ctl_call *call);
extern const struct ctl_option ctl_restore_options[];

/* snapshot.c */
int ctl_run_snapshot(const struct ctl_call *call);
int ctl_run_load(const struct ctl_call *call);
int ctl_run_clone(const struct ctl_call *call);
extern const struct ctl_option ctl_snapshot_options[], ctl_clone_options[];

/* diff.c */
int ctl_run_diff(const struct ctl_call *call);
extern const struct ctl_option ctl_diff_options[];

/* check.c */
int ctl_run_check(const struct ctl_call *call);
extern const struct ctl_option ctl_check_options[];

/* lock.c */
int ctl_run_lock(const struct ctl_call *call);
extern const struct ctl_option ctl_lock_options[];

/* watch.c */
int ctl_run_watch(const struct ctl_call *call);
extern const struct ctl_option ctl_watch_options[];

/* message.c */
extern const struct ctl_option ctl_remove_options[];

/* topic.c */
int ctl_run_topic_publish(const struct ctl_call *call);
int ctl_run_topic_tail(const struct ctl_call *call);
int ctl_run_topic_remove(const struct ctl_call *call);
int ctl_run_topic_list(const struct ctl_call *call);
extern const struct ctl_option ctl_publish_options[], ctl_tail_options[];

/* queue.c */
int ctl_run_queue_push(const struct ctl_call *call);
int ctl_run_queue_remove(const struct ctl_call *call);
int ctl_run_queue_list(const struct ctl_call *call);
extern const struct ctl_option ctl_push_options[];

/* work.c */
int ctl_run_queue_work(const struct ctl_call *call);
extern const struct ctl_option ctl_work_options[];

/* exec.c */
int ctl_run_exec(const struct ctl_call *call);
extern const struct ctl_option ctl_exec_options[];

/* top.c */
int ctl_run_top(const struct ctl_call *call);
extern const struct ctl_option ctl_top_options[];

#endif /* SPLINTERCTL_COMMANDS_H */
