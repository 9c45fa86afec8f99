//! What a ring tells: the words that `by_ring` and every kind of ring share.

/// Which socket is meant, in words of whoever asks: less than 2^60.
pub(super) type Key = u64;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Where there is no io_uring nothing happens.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) enum Completion {
    /// The event loop for everything else has something; ask again with `watch_others`.
    Others,
    /// Bytes have come from a socket.
    Received(Key),
    /// Nothing more is received from a socket until `receive` is called again.
    Paused(Key),
    /// A socket's input has ended, or it has failed.
    Ended(Key),
    /// A socket that was full has room, or has failed.
    Room(Key),
}

impl Completion {
    /// Which socket it is about.
    pub(super) fn key(self) -> Option<Key> {
        match self {
            Self::Others => None,
            Self::Received(key) | Self::Paused(key) | Self::Ended(key) | Self::Room(key) => {
                Some(key)
            }
        }
    }
}
