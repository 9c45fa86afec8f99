//! INFO persistence: what is saved and logged, how far that is, and from when the data are.

use super::two_places;
use crate::node::{Cx, LogState};
use crate::observer::Observer;
use alloc::string::{String, ToString};
use core::fmt::Write as _;

pub(super) fn show<O: Observer>(out: &mut String, cx: &Cx<'_, O>) {
    let state = &*cx.state;
    let persist = &state.persist;
    let status = |is_ok: bool| if is_ok { "ok" } else { "err" };
    let secs = |secs: Option<u64>| secs.map_or("-1".to_string(), |secs| secs.to_string());
    let saving = persist.background.as_ref().filter(|background| background.is_save());
    let rewriting = persist.background.as_ref().filter(|background| !background.is_save());
    let saved = persist.background.as_ref().map(|background| background.saved).unwrap_or_default();
    let share = two_places(saved.keys.saturating_mul(100), saved.of_keys.max(1));
    line!(out, "loading:{}", u8::from(state.loading.is_some()));
    line!(out, "async_loading:0");
    line!(out, "current_fork_perc:{share}");
    line!(out, "current_save_keys_processed:{}", saved.keys);
    line!(out, "current_save_keys_total:{}", saved.of_keys);
    let saves = &persist.saves;
    line!(out, "rdb_changes_since_last_save:{}", state.dirty.saturating_sub(saves.dirty));
    line!(out, "rdb_bgsave_in_progress:{}", u8::from(saving.is_some()));
    line!(out, "rdb_last_save_time:{}", saves.last_secs);
    line!(out, "rdb_last_bgsave_status:{}", status(saves.is_ok));
    line!(out, "rdb_last_bgsave_time_sec:{}", secs(saves.took_secs));
    line!(out, "rdb_current_bgsave_time_sec:{}", secs(saving.map(|it| it.secs(cx.now))));
    line!(out, "rdb_saves:{}", saves.done);
    let loaded = state.loaded.as_ref();
    line!(out, "rdb_last_load_keys_expired:{}", loaded.map_or(0, |loaded| loaded.expired));
    line!(out, "rdb_last_load_keys_loaded:{}", loaded.map_or(0, |loaded| loaded.keys));
    if let Some((file, time)) = &persist.loaded_from {
        line!(out, "loaded_from:{file}");
        line!(out, "loaded_data_time:{}", secs(*time));
    }
    let rewrites = &persist.rewrites;
    line!(out, "aof_enabled:{}", u8::from(persist.log != LogState::Off));
    line!(out, "aof_rewrite_in_progress:{}", u8::from(rewriting.is_some()));
    line!(out, "aof_rewrite_scheduled:{}", u8::from(rewrites.is_scheduled));
    line!(out, "aof_last_rewrite_time_sec:{}", secs(rewrites.took_secs));
    line!(out, "aof_current_rewrite_time_sec:{}", secs(rewriting.map(|it| it.secs(cx.now))));
    line!(out, "aof_last_bgrewrite_status:{}", status(rewrites.failures == 0));
    line!(out, "aof_rewrites:{}", rewrites.done);
    line!(out, "aof_rewrites_consecutive_failures:{}", rewrites.failures);
    let is_written = persist.tail.error().is_none() && state.store_error.is_none();
    line!(out, "aof_last_write_status:{}", status(is_written));
    if persist.log != LogState::Off {
        line!(out, "aof_current_size:{}", persist.log_size());
        line!(out, "aof_base_size:{}", rewrites.base_size);
        line!(out, "aof_pending_rewrite:{}", u8::from(persist.log == LogState::Starting));
        line!(out, "aof_buffer_length:{}", persist.log_waiting());
        line!(out, "aof_pending_bio_fsync:{}", persist.log_syncs_pending());
        line!(out, "aof_delayed_fsync:{}", persist.log_delayed_syncs());
    }
    if let Some(loading) = &persist.loading {
        let passed = cx.now.wall_secs().saturating_sub(loading.began_secs);
        let left = loading.total.saturating_sub(loading.done);
        let eta = left.saturating_mul(passed).checked_div(loading.done).unwrap_or(1);
        line!(out, "loading_start_time:{}", loading.began_secs);
        line!(out, "loading_total_bytes:{}", loading.total);
        line!(out, "loading_loaded_bytes:{}", loading.done);
        let share = two_places(loading.done.saturating_mul(100), loading.total.max(1));
        line!(out, "loading_loaded_perc:{share}");
        line!(out, "loading_eta_seconds:{eta}");
    }
}
