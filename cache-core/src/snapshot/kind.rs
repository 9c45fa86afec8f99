//! Types of values as files number them. Several numbers are one type in several forms.

pub(super) const STRING: u8 = 0;
pub(super) const LIST: u8 = 1;
pub(super) const SET: u8 = 2;
/// Scores as text.
pub(super) const SORTED_SET_TEXT: u8 = 3;
pub(super) const HASH: u8 = 4;
pub(super) const SORTED_SET: u8 = 5;
/// What a module made, before and after modules said how to pass over it.
pub(super) const MODULE_EARLY: u8 = 6;
pub(super) const MODULE: u8 = 7;
pub(super) const HASH_ZIPMAP: u8 = 9;
pub(super) const LIST_ZIPLIST: u8 = 10;
pub(super) const SET_INTSET: u8 = 11;
pub(super) const SORTED_SET_ZIPLIST: u8 = 12;
pub(super) const HASH_ZIPLIST: u8 = 13;
/// A list of ziplists.
pub(super) const LIST_QUICKLIST: u8 = 14;
pub(super) const STREAM: u8 = 15;
pub(super) const HASH_LISTPACK: u8 = 16;
pub(super) const SORTED_SET_LISTPACK: u8 = 17;
/// A list of listpacks, and of elements that are too long for one.
pub(super) const LIST_QUICKLIST_2: u8 = 18;
/// With what was ever added and removed.
pub(super) const STREAM_2: u8 = 19;
pub(super) const SET_LISTPACK: u8 = 20;
/// With when consumers were active.
pub(super) const STREAM_3: u8 = 21;
/// Valkey: fields that expire. Redis: the same of a version that was never released.
pub(super) const HASH_EXPIRING: u8 = 22;
/// Redis: a listpack of fields that expire, of a version that was never released.
pub(super) const HASH_LISTPACK_EXPIRING_EARLY: u8 = 23;
/// Redis: fields that expire, and the first moment at which one does.
pub(super) const HASH_EXPIRING_REDIS: u8 = 24;
pub(super) const HASH_LISTPACK_EXPIRING: u8 = 25;

/// How a node of a list is packed.
pub(super) const NODE_PLAIN: u64 = 1;
pub(super) const NODE_PACKED: u64 = 2;
