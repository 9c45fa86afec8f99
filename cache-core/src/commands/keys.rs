//! Which arguments of a command are keys: for COMMAND GETKEYS, cluster routing and ACL.

use super::spec::{Begin, Find, Flags, KeyFlags, KeySpec, Spec};
use crate::numbers::parse_i64;
use crate::protocol::Args;
use alloc::vec::Vec;

/// A key among a command's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAt {
    /// Its position; the command's name is 0.
    pub index: usize,
    /// What the command does with it.
    pub flags: KeyFlags,
}

/// A command's arguments contradict its key specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadKeys;

/// The positions of a command's keys, in order. Empty for a command that is unknown, takes no keys
/// or was given nonsense: it touches no key then.
pub fn keys_of(args: Args<'_>) -> Vec<usize> {
    let keys = super::find_command(args).and_then(|spec| find_keys(spec, args).ok());
    keys.unwrap_or_default().into_iter().map(|key| key.index).collect()
}

/// The keys of a command, and what it does with each.
///
/// # Errors
/// The arguments don't fit the key specifications: a count is no number or names more keys than
/// there are arguments.
pub fn find_keys(spec: &Spec, args: Args<'_>) -> Result<Vec<KeyAt>, BadKeys> {
    let mut keys = Vec::new();
    for key_spec in spec.keys {
        if key_spec.flags.contains(KeyFlags::NOT_KEY) || key_spec.begin == Begin::Unknown {
            continue;
        }
        let flags = match key_spec.flags.contains(KeyFlags::VARIABLE_FLAGS) {
            true => flags_by_arguments(spec, key_spec.flags, args),
            false => key_spec.flags,
        };
        match positions(key_spec, args) {
            Ok(found) => keys.extend(found.map(|index| KeyAt { index, flags })),
            Err(_) if key_spec.flags.contains(KeyFlags::INCOMPLETE) => {}
            Err(bad) => return Err(bad),
        }
    }
    if spec.name == "sort" {
        let flags = KeyFlags::OW | KeyFlags::UPDATE;
        keys.extend(super::sort::stored_key(args).map(|index| KeyAt { index, flags }));
    }
    let optional = spec.flags.contains(Flags::NO_MANDATORY_KEYS);
    if keys.is_empty() && !spec.keys.is_empty() && !optional { Err(BadKeys) } else { Ok(keys) }
}

/// Where one specification's keys are.
fn positions(spec: &KeySpec, args: Args<'_>) -> Result<impl Iterator<Item = usize>, BadKeys> {
    let len = args.len() as i64;
    let begin = match spec.begin {
        Begin::Index(at) => i64::from(at),
        Begin::Keyword(word, from) => behind_keyword(word, from, args).ok_or(BadKeys)?,
        Begin::Unknown => return Err(BadKeys),
    };
    let (first, last, step) = match spec.find {
        Find::Range { last, step, limit } => {
            let last = match i64::from(last) {
                last @ 0.. => begin + last,
                -1 if limit > 1 => begin + (len - begin) / i64::from(limit) - 1,
                last => len + last,
            };
            (begin, last, step)
        }
        Find::KeyNum { num, first, step } => {
            let at = usize::try_from(begin + i64::from(num)).map_err(|_| BadKeys)?;
            let count = args.get(at).and_then(parse_i64).filter(|&n| (0..=len).contains(&n));
            let count = count.ok_or(BadKeys)?;
            let first = begin + i64::from(first);
            (first, first + (count - 1) * i64::from(step), step)
        }
        Find::Unknown => return Err(BadKeys),
    };
    if first < 1 || last < first || last >= len || step == 0 {
        return Err(BadKeys);
    }
    Ok((first as usize..=last as usize).step_by(usize::from(step)))
}

/// The position behind a keyword, looked for forwards from a position, or backwards from one
/// counted from the end.
fn behind_keyword(word: &str, from: i16, args: Args<'_>) -> Option<i64> {
    let is_word = |&i: &usize| args.at(i).eq_ignore_ascii_case(word.as_bytes());
    let away = usize::from(from.unsigned_abs());
    let found = match from >= 0 {
        true => (away.max(1)..args.len()).find(is_word),
        false => (1..(args.len() + 1).saturating_sub(away)).rev().find(is_word),
    };
    found.map(|i| i as i64 + 1)
}

/// Flags of a key that depend on the other arguments.
fn flags_by_arguments(spec: &Spec, flags: KeyFlags, args: Args<'_>) -> KeyFlags {
    let gets = || args.from(3).iter().any(|arg| arg.eq_ignore_ascii_case(b"get"));
    match spec.name {
        "set" if gets() => KeyFlags::RW | KeyFlags::ACCESS | KeyFlags::UPDATE,
        "set" => KeyFlags::OW | KeyFlags::UPDATE,
        "bitfield" if super::bitmaps::only_reads(args) => KeyFlags::RO | KeyFlags::ACCESS,
        _ => flags - KeyFlags::VARIABLE_FLAGS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Group;
    use crate::protocol::Frame;

    fn keys(keys: &'static [KeySpec], command: &str) -> Result<Vec<usize>, BadKeys> {
        let spec = Spec::new("x", -1, Flags::empty(), Group::Generic).keys(keys);
        let frame: Frame = command.split(' ').collect();
        find_keys(&spec, frame.args()).map(|keys| keys.into_iter().map(|k| k.index).collect())
    }

    const RO: KeyFlags = KeyFlags::RO;
    static ONE: [KeySpec; 1] = [KeySpec::one(1, RO)];
    static ALL: [KeySpec; 1] = [KeySpec::range(1, -1, 2, RO)];
    static COUNTED: [KeySpec; 1] = [KeySpec::counted(1, 1, RO)];
    static STREAMS: [KeySpec; 1] = [KeySpec {
        begin: Begin::Keyword("STREAMS", 1),
        find: Find::Range { last: -1, step: 1, limit: 2 },
        flags: RO,
        notes: "",
    }];
    static BACKWARDS: [KeySpec; 1] = [KeySpec {
        begin: Begin::Keyword("KEYS", -2),
        find: Find::Range { last: -1, step: 1, limit: 0 },
        flags: RO,
        notes: "",
    }];

    #[test]
    fn keys_are_found() {
        assert_eq!(keys(&ONE, "x a b"), Ok(alloc::vec![1]));
        assert_eq!(keys(&ONE, "x"), Err(BadKeys));
        assert_eq!(keys(&ALL, "x a 1 b 2"), Ok(alloc::vec![1, 3]));
        assert_eq!(keys(&COUNTED, "x 2 a b c"), Ok(alloc::vec![2, 3]));
        for bad in ["x 3 a b", "x 0 a", "x -1 a", "x z a", "x", "x 9223372036854775807 a"] {
            assert_eq!(keys(&COUNTED, bad), Err(BadKeys), "{bad}");
        }
        assert_eq!(keys(&STREAMS, "x COUNT 2 streams a b 0 0"), Ok(alloc::vec![4, 5]));
        assert_eq!(keys(&STREAMS, "x COUNT 2"), Err(BadKeys));
        assert_eq!(keys(&BACKWARDS, "x keys KEYS a b"), Ok(alloc::vec![3, 4]));
    }
}
