//! Keyspace notifications: what happened to keys, told on channels of pub/sub.
//!
//! `notify-keyspace-events` says which classes are told, and on which channels:
//! `__keyspace@<db>__:<key>` hears the event's name, `__keyevent@<db>__:<event>` the key's. Notices
//! are gathered while a command runs and sent behind it.

use super::post::Post;
use crate::config::Class;
use alloc::boxed::Box;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
struct Notice {
    event: &'static str,
    db: u32,
    key: Box<[u8]>,
}

/// What has happened since the last time it was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    classes: Class,
    waiting: Vec<Notice>,
}

impl Notices {
    /// Which are told from now on.
    pub(crate) fn set_classes(&mut self, classes: Class) {
        // Without a channel nobody could hear any.
        let heard = classes.intersects(Class::CHANNELS);
        self.classes = if heard { classes } else { Class::empty() };
    }

    /// Whether anybody could hear of this class.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn wants(&self, class: Class) -> bool {
        self.classes.intersects(class)
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn note(&mut self, class: Class, event: &'static str, db: u32, key: &[u8]) {
        if self.wants(class) {
            self.waiting.push(Notice { event, db, key: key.into() });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// Sends what has been noted to those who listen.
pub(super) fn tell(post: &mut Post<'_>) {
    let classes = post.state.notices.classes;
    for Notice { event, db, key } in core::mem::take(&mut post.state.notices.waiting) {
        if classes.contains(Class::KEYSPACE) {
            post.publish(&channel("keyspace", db, &key), event.as_bytes());
        }
        if classes.contains(Class::KEYEVENT) {
            post.publish(&channel("keyevent", db, event.as_bytes()), &key);
        }
    }
}

fn channel(kind: &str, db: u32, name: &[u8]) -> Vec<u8> {
    let mut channel = alloc::format!("__{kind}@{db}__:").into_bytes();
    channel.extend_from_slice(name);
    channel
}
