//! `/metrics`: the figures of one moment as OpenMetrics text, which Prometheus reads.
//!
//! A name is `larder_` and then what redis_exporter calls the same figure, so that a dashboard
//! made for Redis works with the prefix changed; what it has no name for is named in its manner.
//! What must never be here: counting; the node counts.

use crate::data::Snapshot;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

/// What the text is.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes the figures down.
pub(super) fn encode(snapshot: Snapshot) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("larder");
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let version = [("larder_version", env!("CARGO_PKG_VERSION"))];
        let info = prometheus_client::metrics::info::Info::new(version);
        let info_encoder = encoder.encode_descriptor(
            "instance",
            "What serves",
            None,
            prometheus_client::metrics::MetricType::Info,
        )?;
        info.encode(info_encoder)?;
        self.gauges(&mut encoder)?;
        self.counters(&mut encoder)?;
        self.databases(&mut encoder)
    }
}

impl Snapshot {
    fn gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let plain = [
            ("uptime_in_seconds", "Seconds since the start", self.uptime_secs),
            ("connected_clients", "Clients connected", self.clients),
            ("config_maxclients", "The most clients at a time", self.max_clients),
        ];
        for (name, help, value) in plain {
            gauge(encoder, name, help, None, value)?;
        }
        let bytes = [
            ("memory_used", "Bytes that data takes", self.used_bytes),
            ("memory_used_peak", "The most bytes that data has taken", self.peak_bytes),
            ("memory_max", "maxmemory; 0 is no limit", self.max_bytes),
        ];
        for (name, help, value) in bytes {
            gauge(encoder, name, help, Some(&Unit::Bytes), value)?;
        }
        Ok(())
    }

    fn counters(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let plain = [
            ("commands_processed", "Commands executed", self.commands),
            ("connections_received", "Clients taken in", self.connections_received),
            ("rejected_connections", "Clients refused for maxclients", self.rejected_connections),
            ("keyspace_hits", "Reads of keys that were there", self.hits),
            ("keyspace_misses", "Reads of keys that were not there", self.misses),
            ("expired_keys", "Keys whose time ran out", self.expired),
            ("evicted_keys", "Keys removed to make room", self.evicted),
            ("total_error_replies", "Replies that were errors", self.errors),
            (
                "client_output_buffer_limit_disconnections",
                "Clients closed for unread output",
                self.output_limit_closes,
            ),
            (
                "client_query_buffer_limit_disconnections",
                "Clients closed for unprocessed input",
                self.query_limit_closes,
            ),
            ("pubsub_messages", "Messages published", self.published),
            // redis_exporter puts the unit before `_total` too, but as part of the name.
            ("net_input_bytes", "Bytes from clients", self.net_input_bytes),
            ("net_output_bytes", "Bytes to clients", self.net_output_bytes),
        ];
        for (name, help, value) in plain {
            let kind = prometheus_client::metrics::MetricType::Counter;
            let metric = encoder.encode_descriptor(name, help, None, kind)?;
            ConstCounter::new(value).encode(metric)?;
        }
        Ok(())
    }

    /// Keys by database.
    fn databases(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        type Of = fn(&(u32, u64, u64)) -> u64;
        let families: [(&str, &str, Of); 2] = [
            ("db_keys", "Keys", |&(_, keys, _)| keys),
            ("db_keys_expiring", "Keys with a time to live", |&(_, _, expiring)| expiring),
        ];
        let kind = prometheus_client::metrics::MetricType::Gauge;
        for (name, help, of) in families {
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for database in &self.databases {
                let labels = [("db", format!("db{}", database.0))];
                ConstGauge::new(of(database)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: u64,
) -> fmt::Result {
    let kind = prometheus_client::metrics::MetricType::Gauge;
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, unit, kind)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_redis_exporter() {
        let snapshot = Snapshot {
            clients: 3,
            commands: 7,
            used_bytes: 100,
            databases: vec![(0, 5, 2), (3, 1, 0)],
            ..Snapshot::default()
        };
        let text = encode(snapshot).unwrap();
        for line in [
            "larder_connected_clients 3",
            "larder_commands_processed_total 7",
            "larder_memory_used_bytes 100",
            "larder_net_input_bytes_total 0",
            "larder_db_keys{db=\"db0\"} 5",
            "larder_db_keys_expiring{db=\"db0\"} 2",
            "larder_db_keys{db=\"db3\"} 1",
            "# TYPE larder_keyspace_hits counter",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }
}
