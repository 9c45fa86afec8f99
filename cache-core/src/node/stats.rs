//! What a node counts.

/// Counters since the start or the last CONFIG RESETSTAT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commands executed.
    pub commands: u64,
    /// Connections taken in.
    pub connections_received: u64,
    /// Connections refused for `maxclients`.
    pub rejected_connections: u64,
    /// Bytes of the commands that were executed.
    pub net_input_bytes: u64,
    /// Bytes that went out.
    pub net_output_bytes: u64,
    /// Reads of keys that were there.
    pub hits: u64,
    /// Reads of keys that were not there.
    pub misses: u64,
    /// Keys whose time ran out.
    pub expired: u64,
    /// Of these, keys found by the background cycle.
    pub expired_by_cycle: u64,
    /// Keys removed to make room.
    pub evicted: u64,
    /// Replies that were errors.
    pub errors: u64,
    /// Clients closed for unread output.
    pub output_limit_closes: u64,
    /// Clients closed for unprocessed input.
    pub query_limit_closes: u64,
    /// Messages published.
    pub published: u64,
    /// The most bytes that data has taken.
    pub peak_bytes: u64,
}
