//! `notify-keyspace-events`: which classes of keyspace notifications are told, by letters.

use alloc::string::String;
use bitflags::bitflags;

bitflags! {
    /// Classes of notices, and the two kinds of channels.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Class: u16 {
        const KEYSPACE = 1;
        const KEYEVENT = 1 << 1;
        const GENERIC = 1 << 2;
        const STRING = 1 << 3;
        const LIST = 1 << 4;
        const SET = 1 << 5;
        const HASH = 1 << 6;
        const SORTED_SET = 1 << 7;
        const EXPIRED = 1 << 8;
        const EVICTED = 1 << 9;
        const STREAM = 1 << 10;
        const MISS = 1 << 11;
        const MODULE = 1 << 12;
        const NEW = 1 << 13;
        const CHANNELS = Self::KEYSPACE.bits() | Self::KEYEVENT.bits();
        /// `A`
        const ALL = Self::GENERIC.bits()
            | Self::STRING.bits()
            | Self::LIST.bits()
            | Self::SET.bits()
            | Self::HASH.bits()
            | Self::SORTED_SET.bits()
            | Self::EXPIRED.bits()
            | Self::EVICTED.bits()
            | Self::STREAM.bits()
            | Self::MODULE.bits();
    }
}

/// The letters of `notify-keyspace-events`, in the order in which they are shown.
const LETTERS: [(char, Class); 14] = [
    ('g', Class::GENERIC),
    ('$', Class::STRING),
    ('l', Class::LIST),
    ('s', Class::SET),
    ('h', Class::HASH),
    ('z', Class::SORTED_SET),
    ('x', Class::EXPIRED),
    ('e', Class::EVICTED),
    ('t', Class::STREAM),
    ('d', Class::MODULE),
    ('n', Class::NEW),
    ('K', Class::KEYSPACE),
    ('E', Class::KEYEVENT),
    ('m', Class::MISS),
];

impl Class {
    /// Reads the letters of `notify-keyspace-events`. `None`: one of them is no such letter.
    pub(crate) fn parse(letters: &str) -> Option<Self> {
        letters.chars().try_fold(Class::empty(), |classes, letter| {
            let class = match letter {
                'A' => Class::ALL,
                _ => LETTERS.iter().find(|(known, _)| *known == letter)?.1,
            };
            Some(classes | class)
        })
    }

    /// The letters in their usual order. As in Redis, `n` isn't shown beside `A`.
    pub(crate) fn letters(self) -> String {
        let all = self.contains(Class::ALL);
        let mut letters = String::from(if all { "A" } else { "" });
        let rest = if all { self - Class::ALL - Class::NEW } else { self };
        letters.extend(LETTERS.iter().filter(|(_, c)| rest.contains(*c)).map(|(letter, _)| letter));
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_read_back() {
        assert_eq!(Class::parse("KEA").map(Class::letters).as_deref(), Some("AKE"));
        assert_eq!(Class::parse("zlKm").map(Class::letters).as_deref(), Some("lzKm"));
        assert_eq!(Class::parse("").map(Class::letters).as_deref(), Some(""));
        assert_eq!(Class::parse("Kq"), None);
    }
}
