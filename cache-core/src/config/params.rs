//! The table of settings.

use super::{Kind, Param};

macro_rules! params {
    ($(
        $id:ident $name:literal $kind:expr, $default:literal, $mutable:ident,
        $summary:literal;
    )+) => {
        /// Names a setting.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Id { $($id),+ }

        /// Every setting.
        pub static PARAMS: &[Param] = &[$(Param {
            id: Id::$id,
            name: $name,
            kind: $kind,
            default: $default,
            mutable: params!(@mutable $mutable),
            summary: $summary,
        }),+];
    };
    (@mutable live) => { true };
    (@mutable fixed) => { false };
}

const COUNT: Kind = Kind::Int { min: 0, max: i64::MAX };
const SECONDS: Kind = Kind::Int { min: 0, max: i32::MAX as i64 };
const BYTES: Kind = Kind::Memory { min: 0 };
const PORT: Kind = Kind::Int { min: 0, max: 65535 };

/// The words of `maxmemory-policy`, in the order of [`Policy`].
pub(super) const POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-adaptive",
    "allkeys-adaptive",
    "noeviction",
];

/// Names that settings had before they were renamed.
pub(super) const OLD_NAMES: &[(Id, &str)] = &[
    (Id::HashMaxListpackEntries, "hash-max-ziplist-entries"),
    (Id::HashMaxListpackValue, "hash-max-ziplist-value"),
    (Id::ZsetMaxListpackEntries, "zset-max-ziplist-entries"),
    (Id::ZsetMaxListpackValue, "zset-max-ziplist-value"),
    (Id::ListMaxListpackSize, "list-max-ziplist-size"),
    (Id::CommandlogExecutionSlowerThan, "slowlog-log-slower-than"),
    (Id::CommandlogSlowExecutionMaxLen, "slowlog-max-len"),
    (Id::Replicaof, "slaveof"),
    (Id::Primaryauth, "masterauth"),
    (Id::Primaryuser, "masteruser"),
    (Id::ReplicaReadOnly, "slave-read-only"),
    (Id::ReplicaServeStaleData, "slave-serve-stale-data"),
    (Id::ReplicaIgnoreMaxmemory, "slave-ignore-maxmemory"),
    (Id::ReplicaLazyFlush, "slave-lazy-flush"),
    (Id::ReplicaPriority, "slave-priority"),
    (Id::ReplicaAnnounceIp, "slave-announce-ip"),
    (Id::ReplicaAnnouncePort, "slave-announce-port"),
    (Id::ReplPingReplicaPeriod, "repl-ping-slave-period"),
    (Id::MinReplicasToWrite, "min-slaves-to-write"),
    (Id::MinReplicasMaxLag, "min-slaves-max-lag"),
];

params! {
    Bind "bind" Kind::Text, "127.0.0.1 -::1", fixed,
        "Addresses to listen on, separated by spaces; one that begins with '-' may be unavailable.";
    ProtectedMode "protected-mode" Kind::Bool, "yes", live,
        "Without a password, refuse clients from other machines.";
    Port "port" PORT, "6379", fixed, "TCP port of the Redis protocol; 0 turns it off.";
    HttpPort "http-port" PORT, "8379", fixed,
        "TCP port of the playground, /metrics and /healthz; 0 turns it off.";
    IoUring "io-uring" Kind::Bool, "yes", fixed,
        "Serve clients by io_uring where the kernel has it and allows it, by epoll where not.";
    HugePages "huge-pages" Kind::Bool, "yes", fixed,
        "Keep data in the kernel's huge pages where it has them: faster, and up to 2 MB more memory.";
    TcpBacklog "tcp-backlog" COUNT, "511", fixed, "Connections that may wait to be accepted.";
    TcpKeepalive "tcp-keepalive" SECONDS, "300", live,
        "Seconds after which an idle peer is probed; 0 never.";
    Timeout "timeout" SECONDS, "0", live, "Seconds after which an idle client is closed; 0 never.";
    Maxclients "maxclients" Kind::Int { min: 1, max: u32::MAX as i64 }, "10000", live,
        "The most clients at a time.";
    Requirepass "requirepass" Kind::Text, "", live, "The default user's password; empty asks none.";
    Databases "databases" Kind::Int { min: 1, max: 10_000 }, "16", fixed,
        "How many databases SELECT can choose from.";
    Maxmemory "maxmemory" BYTES, "0", live,
        "The most bytes that data may take; 0 is no limit.";
    MaxmemoryPolicy "maxmemory-policy" Kind::Enum(POLICIES), "allkeys-adaptive", live,
        "Which keys make room when maxmemory is reached.";
    MaxmemorySamples "maxmemory-samples" Kind::Int { min: 1, max: 64 }, "5", live,
        "How many keys are compared to choose one to evict.";
    LfuLogFactor "lfu-log-factor" COUNT, "10", live,
        "How slowly the LFU counter grows.";
    LfuDecayTime "lfu-decay-time" COUNT, "1", live,
        "Minutes in which the LFU counter loses one.";
    ClientOutputBufferLimit "client-output-buffer-limit" Kind::OutputLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", live,
        "Unread output at which a client is closed: class, hard limit, soft limit, seconds.";
    // With less nobody could send the command that asks for more.
    ClientQueryBufferLimit "client-query-buffer-limit" Kind::Memory { min: 1 << 20 }, "1gb", live,
        "Unprocessed input at which a client is closed.";
    ProtoMaxBulkLen "proto-max-bulk-len" Kind::Memory { min: 1 << 16 }, "512mb", live,
        "The longest single argument; 1 GB at the most, whatever is said.";
    TrackingTableMaxKeys "tracking-table-max-keys" COUNT, "1000000", live,
        "The most keys that are remembered for CLIENT TRACKING; 0 is no limit.";
    EnableDebugCommand "enable-debug-command" Kind::Enum(&["no", "local", "yes"]), "no", fixed,
        "Who may use DEBUG: nobody, clients of the same machine, or everybody.";
    LatencyMonitorThreshold "latency-monitor-threshold" COUNT, "0", live,
        "Milliseconds from which on LATENCY tells of a spike; 0 watches nothing.";
    LatencyTracking "latency-tracking" Kind::Bool, "yes", live,
        "Count how often each command takes how long, for LATENCY HISTOGRAM.";
    CommandlogExecutionSlowerThan "commandlog-execution-slower-than"
        Kind::Int { min: -1, max: i64::MAX }, "10000", live,
        "Microseconds from which on a command is kept in the slow log; -1 keeps none.";
    CommandlogSlowExecutionMaxLen "commandlog-slow-execution-max-len" COUNT, "128", live,
        "The most commands in the slow log.";
    CommandlogRequestLargerThan "commandlog-request-larger-than"
        Kind::Int { min: -1, max: i64::MAX }, "1048576", live,
        "Bytes from which on a command is kept in the log of large requests; -1 keeps none.";
    CommandlogLargeRequestMaxLen "commandlog-large-request-max-len" COUNT, "128", live,
        "The most commands in the log of large requests.";
    CommandlogReplyLargerThan "commandlog-reply-larger-than"
        Kind::Int { min: -1, max: i64::MAX }, "1048576", live,
        "Bytes of a reply from which on its command is kept in a log; -1 keeps none.";
    CommandlogLargeReplyMaxLen "commandlog-large-reply-max-len" COUNT, "128", live,
        "The most commands in the log of large replies.";
    NotifyKeyspaceEvents "notify-keyspace-events" Kind::Events, "", live,
        "Which events on keys are told by pub/sub: letters of classes, with K or E for the channels.";
    HashMaxListpackEntries "hash-max-listpack-entries" COUNT, "512", live,
        "The most fields of a hash in its small form.";
    HashMaxListpackValue "hash-max-listpack-value" BYTES, "64", live,
        "The most bytes of a field or value of a hash in its small form.";
    ListMaxListpackSize "list-max-listpack-size" Kind::Int { min: i32::MIN as i64, max: i32::MAX as i64 },
        "-2", live,
        "The most entries of a small list, or of a part of a large one; -1 to -5: 4 to 64 kilobytes.";
    ListCompressDepth "list-compress-depth" Kind::Int { min: 0, max: i32::MAX as i64 }, "0", live,
        "Taken for compatibility: lists are not compressed.";
    SetMaxIntsetEntries "set-max-intset-entries" COUNT, "512", live,
        "The most members of a small set that holds nothing but integers.";
    SetMaxListpackEntries "set-max-listpack-entries" COUNT, "128", live,
        "The most members of any other set in its small form.";
    SetMaxListpackValue "set-max-listpack-value" BYTES, "64", live,
        "The most bytes of a member of a set in its small form.";
    ZsetMaxListpackEntries "zset-max-listpack-entries" COUNT, "128", live,
        "The most members of a sorted set in its small form.";
    ZsetMaxListpackValue "zset-max-listpack-value" BYTES, "64", live,
        "The most bytes of a member of a sorted set in its small form.";
    StreamNodeMaxBytes "stream-node-max-bytes" BYTES, "4096", live,
        "The most bytes of a block of a stream; 0 is no limit.";
    StreamNodeMaxEntries "stream-node-max-entries" COUNT, "100", live,
        "The most entries of a block of a stream; 0 is no limit.";
    HllSparseMaxBytes "hll-sparse-max-bytes" BYTES, "3000", live,
        "The most bytes of a HyperLogLog in its small form.";
    Rdbcompression "rdbcompression" Kind::Bool, "yes", live,
        "Compress strings in snapshots.";
    Rdbchecksum "rdbchecksum" Kind::Bool, "yes", fixed,
        "Write a checksum at the end of snapshots, and verify it when they are loaded.";
    Replicaof "replicaof" Kind::Primary, "", fixed,
        "The primary to follow: host and port; empty follows nobody.";
    Primaryauth "primaryauth" Kind::Text, "", live, "The password that the primary asks for.";
    Primaryuser "primaryuser" Kind::Text, "", live,
        "The user as whom to log in to the primary; empty is the default user.";
    ReplicaReadOnly "replica-read-only" Kind::Bool, "yes", live,
        "Refuse clients' writes while following a primary.";
    ReplicaServeStaleData "replica-serve-stale-data" Kind::Bool, "yes", live,
        "Answer from the data at hand while the primary can't be reached.";
    ReplicaIgnoreMaxmemory "replica-ignore-maxmemory" Kind::Bool, "yes", live,
        "Leave eviction to the primary while following one.";
    ReplicaLazyFlush "replica-lazy-flush" Kind::Bool, "yes", live,
        "Taken for compatibility: old data is always freed bit by bit.";
    ReplicaPriority "replica-priority" COUNT, "100", live,
        "Which replica Sentinel promotes: the one with the least; 0 never.";
    ReplicaAnnounced "replica-announced" Kind::Bool, "yes", live,
        "Whether Sentinel tells clients of this replica.";
    ReplicaAnnounceIp "replica-announce-ip" Kind::Text, "", live,
        "The address that the primary is told; empty is the one that it sees.";
    ReplicaAnnouncePort "replica-announce-port" PORT, "0", live,
        "The port that the primary is told; 0 is the one that is listened on.";
    ReplPingReplicaPeriod "repl-ping-replica-period" Kind::Int { min: 1, max: i32::MAX as i64 },
        "10", live, "Seconds between the pings that replicas are sent.";
    ReplTimeout "repl-timeout" Kind::Int { min: 1, max: i32::MAX as i64 }, "60", live,
        "Seconds of silence after which a primary or a replica counts as gone.";
    ReplBacklogSize "repl-backlog-size" Kind::Memory { min: 1 }, "10mb", live,
        "Bytes of the stream that are kept for replicas that come back.";
    ReplBacklogTtl "repl-backlog-ttl" SECONDS, "3600", live,
        "Seconds without a replica after which they are forgotten; 0 never.";
    ReplDisklessSync "repl-diskless-sync" Kind::Bool, "yes", live,
        "Taken for compatibility: data always goes to replicas straight from memory.";
    ReplDisklessSyncDelay "repl-diskless-sync-delay" SECONDS, "5", live,
        "Taken for compatibility: each replica is served at once, by itself.";
    ReplDisklessSyncMaxReplicas "repl-diskless-sync-max-replicas" SECONDS, "0", live,
        "Taken for compatibility: each replica is served at once, by itself.";
    ReplDisklessLoad "repl-diskless-load"
        Kind::Enum(&["disabled", "on-empty-db", "swapdb", "flush-before-load"]), "disabled", live,
        "Taken for compatibility: data is always loaded beside the old and put in its place when whole.";
    ReplDisableTcpNodelay "repl-disable-tcp-nodelay" Kind::Bool, "no", live,
        "Taken for compatibility: what there is to send is always sent at once.";
    MinReplicasToWrite "min-replicas-to-write" SECONDS, "0", live,
        "Refuse writes while fewer replicas keep up; 0 never.";
    MinReplicasMaxLag "min-replicas-max-lag" SECONDS, "10", live,
        "Seconds since its last word within which a replica keeps up.";
    Save "save" Kind::SavePoints, "3600 1 300 100 60 10000", live,
        "When a snapshot is made: pairs of seconds and of changes; nothing makes none.";
    StopWritesOnBgsaveError "stop-writes-on-bgsave-error" Kind::Bool, "yes", live,
        "Refuse writes while snapshots that are to be made can't be.";
    Dbfilename "dbfilename" Kind::FileName, "dump.rdb", fixed, "The snapshot's file.";
    Appendonly "appendonly" Kind::Bool, "no", live, "Log each change.";
    Appendfsync "appendfsync" Kind::Enum(&["everysec", "always", "no"]), "everysec", live,
        "When the log is made safe: once a second, before each answer, or when the system likes to.";
    Appenddirname "appenddirname" Kind::FileName, "appendonlydir", fixed,
        "The directory of the log's files.";
    Appendfilename "appendfilename" Kind::FileName, "appendonly.aof", fixed,
        "What the names of the log's files begin with.";
    NoAppendfsyncOnRewrite "no-appendfsync-on-rewrite" Kind::Bool, "no", live,
        "Don't sync the log while a snapshot is written or the log rewritten.";
    AutoAofRewritePercentage "auto-aof-rewrite-percentage" COUNT, "100", live,
        "Growth in percent at which the log is rewritten; 0 never.";
    AutoAofRewriteMinSize "auto-aof-rewrite-min-size" BYTES, "64mb", live,
        "The least bytes at which the log is rewritten by itself.";
    AofLoadTruncated "aof-load-truncated" Kind::Bool, "yes", live,
        "Load a log whose end is torn, without the torn command.";
    AofUseRdbPreamble "aof-use-rdb-preamble" Kind::Bool, "yes", live,
        "Rewrite the log to a snapshot rather than to commands.";
    AofTimestampEnabled "aof-timestamp-enabled" Kind::Bool, "no", live,
        "Note the time in the log, once a second.";
    ShutdownOnSigterm "shutdown-on-sigterm" Kind::Shutdown, "default", live,
        "How SIGTERM ends the server: default, or some of save, nosave, now, force.";
    ShutdownOnSigint "shutdown-on-sigint" Kind::Shutdown, "default", live,
        "How SIGINT ends the server: default, or some of save, nosave, now, force.";
    Hz "hz" Kind::Int { min: 1, max: 500 }, "10", live,
        "Times a second that background work is looked at.";
    Loglevel "loglevel" Kind::Enum(&["debug", "verbose", "notice", "warning", "nothing"]), "notice",
        live, "How much is logged.";
    Logfile "logfile" Kind::Text, "", fixed, "File to log to; empty logs to standard output.";
    Dir "dir" Kind::Text, ".", fixed, "The working directory.";
    ShutdownTimeout "shutdown-timeout" SECONDS, "10", live,
        "Seconds that a shutdown waits for clients to take their replies.";
}
