/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - what the linker calls the functions and variables that files of the library share
 *
 * In the static library they share one name space with the whole program, which may well have an
 * error_set() of its own.  So the linker sees each with the prefix splinter__, and a debugger wants
 * the prefix also.  The sources read better without it.  tests/abi/test_static.sh finds a name that
 * is missing here.
 */
#ifndef SPLINTER_NAMES_H
#define SPLINTER_NAMES_H

/* error.c */
#define error_clear splinter__error_clear
#define error_set splinter__error_set

/* clock.c */
#define now_coarse splinter__now_coarse
#define now_monotonic splinter__now_monotonic
#define now_boot splinter__now_boot
#define now_realtime splinter__now_realtime

/* cgroup.c */
#define cgroup_memory splinter__cgroup_memory

/* geometry.c */
#define geometry_check splinter__geometry_check
#define geometry_classes splinter__geometry_classes
#define geometry_make splinter__geometry_make

/* descriptor.c */
#define descriptor_again splinter__descriptor_again
#define descriptor_file splinter__descriptor_file
#define descriptor_forked splinter__descriptor_forked
#define descriptor_locks splinter__descriptor_locks
#define descriptor_locks_close splinter__descriptor_locks_close
#define descriptor_locks_own splinter__descriptor_locks_own
#define descriptor_locks_open splinter__descriptor_locks_open
#define descriptor_note splinter__descriptor_note
#define descriptor_up splinter__descriptor_up

/* newfile.c */
#define newfile_anonymous splinter__newfile_anonymous
#define newfile_link splinter__newfile_link
#define newfile_open splinter__newfile_open
#define newfile_restrict splinter__newfile_restrict

/* readable.c */
#define readable_again splinter__readable_again
#define readable_clear splinter__readable_clear
#define readable_close splinter__readable_close
#define readable_is_ours splinter__readable_is_ours
#define readable_lost splinter__readable_lost
#define readable_open splinter__readable_open
#define readable_set splinter__readable_set

/* hazard.c */
#define hazard_barrier splinter__hazard_barrier
#define hazard_drain splinter__hazard_drain
#define hazard_get splinter__hazard_get
#define hazard_mine splinter__hazard_mine
#define hazard_start splinter__hazard_start

/* session.c */
#define session_is_file splinter__session_is_file
#define session_boot splinter__session_boot
#define session_note splinter__session_note
#define session_note_mount splinter__session_note_mount
#define session_of splinter__session_of

/* filesystem.c */
#define filesystem_fit splinter__filesystem_fit
#define filesystem_has splinter__filesystem_has
#define filesystem_holes_cost splinter__filesystem_holes_cost
#define filesystem_holes_harmless splinter__filesystem_holes_harmless
#define filesystem_in_memory splinter__filesystem_in_memory
#define filesystem_overwrite splinter__filesystem_overwrite
#define filesystem_unshare splinter__filesystem_unshare

/* stranger.c */
#define stranger_say splinter__stranger_say

/* extent.c */
#define file_covers_now splinter__file_covers_now

/* fork.c */
#define fork_generation splinter__fork_generation
#define fork_hold splinter__fork_hold
#define fork_numbers splinter__fork_numbers
#define fork_now splinter__fork_now
#define fork_page splinter__fork_page
#define fork_resume splinter__fork_resume
#define fork_seen splinter__fork_seen
#define fork_unwatch splinter__fork_unwatch
#define fork_watch splinter__fork_watch

/* wake.c */
#define wake_any splinter__wake_any
#define wake_ask splinter__wake_ask
#define wake_key splinter__wake_key
#define wake_own splinter__wake_own
#define wake_can_many splinter__wake_can_many
#define wake_sleep splinter__wake_sleep
#define wake_sleep_many splinter__wake_sleep_many
#define wake_word splinter__wake_word
#define wake_sleepers splinter__wake_sleepers

/* expiry.c */
#define expiry_after splinter__expiry_after
#define expiry_begin splinter__expiry_begin
#define expiry_left splinter__expiry_left
#define expiry_next splinter__expiry_next
#define expiry_note splinter__expiry_note
#define expiry_telling splinter__expiry_telling
#define expiry_told splinter__expiry_told
#define expiry_moved splinter__expiry_moved
#define expiry_now splinter__expiry_now
#define expiry_orphans splinter__expiry_orphans
#define expiry_passed splinter__expiry_passed
#define expiry_used splinter__expiry_used

/* registry.c */
#define registry_alive splinter__registry_alive
#define registry_any_dead splinter__registry_any_dead
#define registry_anybody splinter__registry_anybody
#define registry_be_present splinter__registry_be_present
#define registry_held splinter__registry_held
#define registry_hold splinter__registry_hold
#define registry_lock_entry splinter__registry_lock_entry
#define registry_lives splinter__registry_lives
#define registry_lock_life splinter__registry_lock_life
#define registry_lock_open splinter__registry_lock_open
#define registry_lock_repair splinter__registry_lock_repair
#define registry_lock_sync splinter__registry_lock_sync
#define registry_others_present splinter__registry_others_present
#define registry_unhold splinter__registry_unhold
#define registry_unlock_entry splinter__registry_unlock_entry
#define registry_unlock_life splinter__registry_unlock_life
#define registry_unlock_open splinter__registry_unlock_open
#define registry_unlock_repair splinter__registry_unlock_repair
#define registry_unlock_sync splinter__registry_unlock_sync

/* owner.c */
#define owner_begin splinter__owner_begin
#define owner_dead splinter__owner_dead
#define owner_end splinter__owner_end
#define owner_gone splinter__owner_gone
#define owner_less splinter__owner_less
#define owner_more splinter__owner_more
#define owner_pid splinter__owner_pid

/* backing.c */
#define backing_clear splinter__backing_clear
#define backing_create splinter__backing_create
#define backing_fill splinter__backing_fill
#define backing_flush splinter__backing_flush
#define backing_flush_range splinter__backing_flush_range
#define backing_is_memory splinter__backing_is_memory
#define backing_open splinter__backing_open
#define backing_open_fd splinter__backing_open_fd
#define backing_path splinter__backing_path
#define backing_punch splinter__backing_punch
#define backing_read_geometry splinter__backing_read_geometry
#define backing_populate splinter__backing_populate
#define backing_reserve splinter__backing_reserve
#define backing_unlink splinter__backing_unlink

/* index.c */
#define index_current_hash splinter__index_current_hash
#define index_ensure splinter__index_ensure
#define index_find_anywhere splinter__index_find_anywhere

/* feed.c */
#define feed_each_part splinter__feed_each_part
#define feed_prepare splinter__feed_prepare
#define feed_prepare_set splinter__feed_prepare_set
#define feed_ready_now splinter__feed_ready_now
#define feed_recover splinter__feed_recover
#define feed_restart splinter__feed_restart
#define feed_tell splinter__feed_tell

/* slab.c */
#define block_find splinter__block_find
#define groups_reserve splinter__groups_reserve
#define slab_adopt splinter__slab_adopt
#define slab_begin splinter__slab_begin
#define slab_class splinter__slab_class
#define slab_count splinter__slab_count
#define slab_forget splinter__slab_forget
#define slab_has_free splinter__slab_has_free
#define slab_hint splinter__slab_hint
#define slab_hint_free splinter__slab_hint_free
#define slab_is_empty splinter__slab_is_empty
#define slab_is_for splinter__slab_is_for
#define slab_is_owned splinter__slab_is_owned
#define slab_may_count splinter__slab_may_count
#define slab_next splinter__slab_next
#define slab_note splinter__slab_note
#define slab_release splinter__slab_release
#define slab_reserve splinter__slab_reserve
#define slab_reserved_ahead splinter__slab_reserved_ahead
#define slab_uncount splinter__slab_uncount
#define slab_unhint splinter__slab_unhint

/* arena.c */
#define arena_alloc splinter__arena_alloc
#define arena_block splinter__arena_block
#define arena_block_units splinter__arena_block_units
#define arena_class splinter__arena_class
#define arena_free_block splinter__arena_free_block
#define arena_is_lanes splinter__arena_is_lanes
#define arena_is_used splinter__arena_is_used
#define arena_limbo splinter__arena_limbo

/* syncpoint.c */
#define sync_after_death splinter__sync_after_death
#define sync_clock splinter__sync_clock
#define sync_close splinter__sync_close
#define sync_keep_now splinter__sync_keep_now
#define sync_mark_open splinter__sync_mark_open
#define sync_point_read splinter__sync_point_read
#define sync_go_on splinter__sync_go_on
#define sync_rebuilt splinter__sync_rebuilt
#define sync_state splinter__sync_state
#define sync_write_out splinter__sync_write_out

/* lane.c */
#define lane_acquire_some splinter__lane_acquire_some
#define lane_any_lock splinter__lane_any_lock
#define lane_get_spare splinter__lane_get_spare
#define lane_preferred splinter__lane_preferred
#define lane_shared splinter__lane_shared
#define lane_settle splinter__lane_settle
#define lane_spare_empty splinter__lane_spare_empty

/* stamp.c */
#define stamp_of splinter__stamp_of
#define stamp_slab splinter__stamp_slab

/* reindex.c */
#define rebuild_block_at splinter__rebuild_block_at
#define rebuild_fill splinter__rebuild_fill
#define rebuild_later splinter__rebuild_later
#define rebuild_place splinter__rebuild_place
#define rebuild_place_later splinter__rebuild_place_later
#define rebuild_unset splinter__rebuild_unset
#define rebuild_wipe splinter__rebuild_wipe
#define rebuild_wipe_block splinter__rebuild_wipe_block

/* rebuild.c */
#define rebuild splinter__rebuild

/* recover.c */
#define recover_entry splinter__recover_entry

/* reap.c */
#define reap_all splinter__reap_all
#define reap_entry splinter__reap_entry

/* limbo.c */
#define limbo_any splinter__limbo_any
#define limbo_clean splinter__limbo_clean

/* reading.c */
#define reading_blocks splinter__reading_blocks
#define reading_copy splinter__reading_copy
#define reading_init splinter__reading_init
#define reading_needs_care splinter__reading_needs_care

/* trim.c */
#define trim_all splinter__trim_all
#define trim_much splinter__trim_much

/* lock.c */
#define key_lock splinter__key_lock
#define key_unlock splinter__key_unlock

/* sync.c */
#define sync_if_due splinter__sync_if_due
#define sync_now splinter__sync_now
#define sync_trim splinter__sync_trim
#define sync_trim_much splinter__sync_trim_much

/* attach.c */
#define attach_join splinter__attach_join
#define attach_leave splinter__attach_leave
#define attach_locks_close splinter__attach_locks_close
#define attach_locks_open splinter__attach_locks_open
#define attach_locks_own splinter__attach_locks_own
#define attach_now splinter__attach_now

/* counts.c */
#define counts_lower splinter__counts_lower
#define counts_mend splinter__counts_mend

/* walk.c */
#define walk_next splinter__walk_next

/* change.c */
#define acknowledge splinter__acknowledge
#define keys_release splinter__keys_release
#define keys_reserve splinter__keys_reserve
#define lower_overflow splinter__lower_overflow
#define retire splinter__retire

/* unset.c */
#define key_unset splinter__key_unset

/* get.c */
#define get_stored splinter__get_stored

/* settle.c */
#define topic_clear splinter__topic_clear
#define topic_drop splinter__topic_drop
#define topic_exists splinter__topic_exists
#define topic_look splinter__topic_look
#define topic_next splinter__topic_next
#define topic_work_begin splinter__topic_work_begin
#define topic_work_end splinter__topic_work_end
#define topics_drop_orphans splinter__topics_drop_orphans
#define topics_settle_dead splinter__topics_settle_dead

/* room.c */
#define room_make splinter__room_make
#define room_say splinter__room_say

/* insert.c */
#define key_insert splinter__key_insert

/* set.c */
#define key_item splinter__key_item
#define key_number splinter__key_number
#define key_set splinter__key_set

/* wait.c */
#define key_passed splinter__key_passed
#define key_gone splinter__key_gone
#define key_wait splinter__key_wait
#define key_word splinter__key_word
#define patience_for splinter__patience_for
#define patience_learn splinter__patience_learn
#define patience_nap splinter__patience_nap
#define patience_slice splinter__patience_slice
#define patience_spin splinter__patience_spin
#define wait_dead_untold splinter__wait_dead_untold
#define wait_end_untold splinter__wait_end_untold
#define wait_for_ends_told splinter__wait_for_ends_told
#define wait_ended splinter__wait_ended
#define wait_owner_untold splinter__wait_owner_untold
#define wait_number splinter__wait_number

/* rings.c */
#define follower_begin splinter__follower_begin
#define follower_end splinter__follower_end
#define follower_expect splinter__follower_expect
#define follower_gap splinter__follower_gap
#define follower_next splinter__follower_next
#define follower_position splinter__follower_position

/* follow.c */
#define event_add_value splinter__event_add_value
#define feed_look splinter__feed_look
#define feed_store splinter__feed_store

/* topic.c */
#define topic_abandon splinter__topic_abandon
#define topic_make_keys splinter__topic_make_keys
#define topic_mend splinter__topic_mend
#define topic_set_state splinter__topic_set_state

/* position.c */
#define position_find splinter__position_find
#define positions_end splinter__positions_end
#define positions_survey splinter__positions_survey

/* message.c */
#define messages_survey splinter__messages_survey

/* item.c */
#define item_era splinter__item_era
#define item_is_free splinter__item_is_free
#define item_look splinter__item_look
#define item_peek splinter__item_peek
#define item_put splinter__item_put
#define item_remove splinter__item_remove
#define item_rewrite splinter__item_rewrite
#define item_wait splinter__item_wait
#define items_end splinter__items_end
#define items_survey splinter__items_survey

/* take.c */
#define takers_free splinter__takers_free
#define takers_unlist splinter__takers_unlist

/* store.c */
#define store_attach splinter__store_attach

/* topics.c */
#define topic_is_queue splinter__topic_is_queue
#define topic_is_topic splinter__topic_is_topic
#define topic_open splinter__topic_open
#define topic_remove splinter__topic_remove
#define topic_walk splinter__topic_walk
#define topics_settle splinter__topics_settle

/* changed.c */
#define changed_begin splinter__changed_begin
#define changed_end splinter__changed_end
#define changed_next splinter__changed_next

/* source.c */
#define source_enter splinter__source_enter
#define source_leave splinter__source_leave

/* pass.c */
#define pass_make splinter__pass_make
#define watched_ready splinter__watched_ready
#define watched_stop splinter__watched_stop

/* watcher.c */
#define watcher_add splinter__watcher_add
#define watcher_back splinter__watcher_back
#define watcher_count splinter__watcher_count
#define watcher_enter splinter__watcher_enter
#define watcher_leave splinter__watcher_leave
#define watcher_ready splinter__watcher_ready
#define watcher_take splinter__watcher_take
#define watcher_wait splinter__watcher_wait

/* fault.c, in builds for tests */
#define fault_bugs splinter__fault_bugs
#define fault_hook splinter__fault_hook
#define fault_reached splinter__fault_reached
#define open_patience_ns splinter__open_patience_ns

#endif
