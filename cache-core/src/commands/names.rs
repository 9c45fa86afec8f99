//! The table's bits as words: the names by which COMMAND INFO and ACL know them.

use super::spec::{Flags, KeyFlags, Spec, Tips};
use alloc::string::String;
use alloc::vec::Vec;

/// ACL categories, in the order in which servers list them.
const CATEGORIES: [&str; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

impl Flags {
    /// `readonly`, `fast` ...
    pub fn names(self) -> impl Iterator<Item = String> {
        self.iter_names().map(|(name, _)| name.to_ascii_lowercase())
    }
}

impl KeyFlags {
    /// `RW`, `access` ...
    pub fn names(self) -> impl Iterator<Item = String> {
        self.iter_names().map(|(name, _)| match name {
            "RW" | "RO" | "OW" | "RM" => String::from(name),
            _ => name.to_ascii_lowercase(),
        })
    }
}

impl Tips {
    /// `request_policy:all_shards` ...
    pub fn names(self) -> impl Iterator<Item = String> {
        self.iter_names().map(|(name, _)| {
            let name = name.to_ascii_lowercase();
            for (prefix, policy) in
                [("request_", "request_policy:"), ("response_", "response_policy:")]
            {
                if let Some(rest) = name.strip_prefix(prefix) {
                    return String::from(policy) + rest;
                }
            }
            name
        })
    }
}

impl Spec {
    /// All ACL categories that the command belongs to, those that follow from its flags included.
    pub fn categories(&self) -> Vec<&'static str> {
        let implied = [
            (Flags::WRITE, "write"),
            (Flags::READONLY, "read"),
            (Flags::ADMIN, "admin"),
            (Flags::ADMIN, "dangerous"),
            (Flags::PUBSUB, "pubsub"),
            (Flags::FAST, "fast"),
            (Flags::BLOCKING, "blocking"),
        ];
        let belongs = |category: &&str| {
            implied.iter().any(|(flag, name)| name == category && self.flags.contains(*flag))
                || (*category == "slow" && !self.flags.contains(Flags::FAST))
                || self.acl.iter_names().any(|(name, _)| name.eq_ignore_ascii_case(category))
        };
        CATEGORIES.into_iter().filter(belongs).collect()
    }

    /// The command as one writes it, with its arguments: `SET key value [NX | XX] ...`.
    pub fn usage(&self) -> String {
        let mut usage = self.name.to_ascii_uppercase().replace('|', " ");
        if !self.syntax.is_empty() {
            usage.push(' ');
            usage.push_str(self.syntax);
        }
        usage
    }
}
