//! The types of values. Each type is a file or folder here, and a line in the list below.
//!
//! A value has a small form, one run of bytes that lies in the key's record, and a large form that is
//! made for its type. What must never be here: a key, a command.

mod hash;
pub(crate) mod hyperloglog;
mod list;
mod set;
mod sorted_set;
mod stream;
mod tree;

pub(crate) use hash::{Hash, HashView};
pub(crate) use list::{Element, End, List, ListView, Packed};
pub(crate) use set::{Member as SetMember, Set, SetLimits, SetView};
pub(crate) use sorted_set::{Edge, SortedSet, SortedSetView, order};
pub(crate) use stream::{BlockLimits, Consumer, Entry, Keep, Ordered, Pending, StreamText, Trim};
pub(crate) use stream::{Group as StreamGroup, Stream, StreamId, StreamView};

use crate::hash::HashSeed;
use crate::keyspace::Kind;
use crate::keyspace::fields::Fields;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Debug;

/// A string that is longer is in its large form: memory of its own, which is moved when its key gets
/// another name, and not copied. (Tests meet it sooner.)
pub(crate) const LONG: usize = if cfg!(test) { 2000 } else { 64 * 1024 };

/// A small form's bytes to change, with room for what is usually added: nothing is moved for that.
fn with_spare(bytes: &[u8]) -> Vec<u8> {
    /// Bytes of a usual part.
    const SPARE: usize = 64;
    let mut spare = Vec::with_capacity(bytes.len() + SPARE);
    spare.extend_from_slice(bytes);
    spare
}

/// How large a small form may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most entries.
    pub(crate) entries: usize,
    /// The most bytes of one of their strings.
    pub(crate) bytes: usize,
}

/// A type of value that is made of parts, to change and to move.
pub(crate) trait Structure: Member {
    /// The same, to read where it lies.
    type View<'a>: View<'a, Owned = Self>
    where
        Self: 'a;

    /// The type's name, as TYPE answers.
    const NAME: &'static str;
    /// What sets its digests apart from those of the others.
    const TAG: u8;

    /// An empty one. `seed`: what hashes of its parts are made with.
    fn new(seed: HashSeed) -> Self;

    fn view(&self) -> Self::View<'_>;

    /// It as one run of bytes, while it is in its small form.
    fn as_bytes(&self) -> Option<&[u8]>;

    /// Bytes accounted for it: the same on every platform, allocator slack left out.
    fn size(&self) -> u64;

    /// Drops some of what is left of one that nobody uses any more. `false`: nothing is left.
    fn drop_some(&mut self) -> bool;

    /// Removes parts that have expired by then (wall milliseconds), about `limit` of them at the most
    /// where there may be very many, and gives their names.
    fn take_due(&mut self, _now_ms: u64, _limit: usize) -> Vec<Box<[u8]>> {
        Vec::new()
    }
}

/// A value that is made of parts, to read where it lies.
pub(crate) trait View<'a>: Copy + Debug {
    type Owned;

    /// Reads the small form.
    fn small(bytes: &'a [u8], seed: HashSeed) -> Self;

    fn to_owned(self) -> Self::Owned;

    fn is_empty(&self) -> bool;

    /// The form's name, as OBJECT ENCODING answers.
    fn encoding(&self) -> &'static str;

    /// What lies below its key, where that is found by name in memory of its own.
    fn fields(&self) -> Option<&'a Fields> {
        None
    }

    /// Appends what tells it from every other one of its type.
    fn digest_into(&self, out: &mut Vec<u8>);

    /// When the first of its parts expires (wall milliseconds): it lives through that moment.
    fn first_expiry(&self) -> Option<u64> {
        None
    }

    /// The same without those parts that have expired by `now_ms`; at 0, all are seen.
    fn at(self, _now_ms: u64) -> Self {
        self
    }
}

/// How a type stands among all: written by [`types!`].
pub(crate) trait Member: Sized {
    /// It, if the value is of this type.
    fn of(value: Value<'_>) -> Option<<Self as Structure>::View<'_>>
    where
        Self: Structure;

    /// It, if the value is of this type.
    fn of_data(data: &mut Data) -> Option<&mut Self>;

    fn into_data(self) -> Data;
}

macro_rules! types {
    ($($type:ident),+ $(,)?) => {
        /// What TYPE may answer for a key.
        pub(crate) const TYPE_NAMES: &[&str] = &["string", $($type::NAME),+];

        /// A key's value, to change and to move.
        #[derive(Clone, Debug)]
        pub(crate) enum Data {
            String(Vec<u8>),
            $($type($type)),+
        }

        /// A key's value, to read where it lies.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Value<'a> {
            String(&'a [u8]),
            $($type(<$type as Structure>::View<'a>)),+
        }

        impl Data {
            /// The value as one run of bytes; `None`: it is in its large form.
            pub(crate) fn as_bytes(&self) -> Option<(Kind, &[u8])> {
                match self {
                    Data::String(bytes) if bytes.len() > LONG => None,
                    Data::String(bytes) => Some((Kind::String, bytes)),
                    $(Data::$type(data) => data.as_bytes().map(|bytes| (Kind::$type, bytes)),)+
                }
            }

            pub(crate) fn value(&self) -> Value<'_> {
                match self {
                    Data::String(bytes) => Value::String(bytes),
                    $(Data::$type(data) => Value::$type(data.view()),)+
                }
            }

            /// Bytes accounted for it: the same on every platform, allocator slack left out.
            pub(crate) fn size(&self) -> u64 {
                match self {
                    Data::String(bytes) => bytes.len() as u64,
                    $(Data::$type(data) => data.size(),)+
                }
            }

            /// Drops some of what is left of a value that nobody uses any more. `false`: nothing is
            /// left.
            pub(crate) fn drop_some(&mut self) -> bool {
                match self {
                    Data::String(_) => false,
                    $(Data::$type(data) => data.drop_some(),)+
                }
            }

            /// See [`Structure::take_due`].
            pub(crate) fn take_due(&mut self, now_ms: u64, limit: usize) -> Vec<Box<[u8]>> {
                match self {
                    Data::String(_) => Vec::new(),
                    $(Data::$type(data) => data.take_due(now_ms, limit),)+
                }
            }
        }

        impl<'a> Value<'a> {
            /// A value in its small form.
            pub(crate) fn from_bytes(kind: Kind, bytes: &'a [u8], seed: HashSeed) -> Self {
                match kind {
                    $(Kind::$type => Value::$type(View::small(bytes, seed)),)+
                    _ => Value::String(bytes),
                }
            }

            pub(crate) fn to_data(self) -> Data {
                match self {
                    Value::String(bytes) => Data::String(bytes.to_vec()),
                    $(Value::$type(view) => Data::$type(view.to_owned()),)+
                }
            }

            pub(crate) fn type_name(&self) -> &'static str {
                match self {
                    Value::String(_) => "string",
                    $(Value::$type(_) => $type::NAME,)+
                }
            }

            /// Whether nothing is left of it, so that its key is to go. A string may be empty.
            pub(crate) fn is_empty(&self) -> bool {
                match self {
                    Value::String(_) => false,
                    $(Value::$type(view) => view.is_empty(),)+
                }
            }

            /// When the first of its parts expires (wall milliseconds).
            #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
            pub(crate) fn first_expiry(&self) -> Option<u64> {
                match self {
                    Value::String(_) => None,
                    $(Value::$type(view) => view.first_expiry(),)+
                }
            }

            /// The form's name, as OBJECT ENCODING answers; `None` for a string, which has but one.
            pub(crate) fn encoding(&self) -> Option<&'static str> {
                match self {
                    Value::String(_) => None,
                    $(Value::$type(view) => Some(view.encoding()),)+
                }
            }

            /// What lies below its key, where that is found by name in memory of its own.
            pub(crate) fn fields(&self) -> Option<&'a Fields> {
                match self {
                    Value::String(_) => None,
                    $(Value::$type(view) => view.fields(),)+
                }
            }

            /// Appends what tells this value from every other one.
            pub(crate) fn digest_into(&self, out: &mut Vec<u8>) {
                match self {
                    Value::String(bytes) => {
                        out.push(b's');
                        out.extend_from_slice(bytes);
                    }
                    $(Value::$type(view) => {
                        out.push($type::TAG);
                        view.digest_into(out);
                    })+
                }
            }
        }

        $(impl Member for $type {
            fn of(value: Value<'_>) -> Option<<Self as Structure>::View<'_>> {
                match value {
                    Value::$type(view) => Some(view),
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            fn of_data(data: &mut Data) -> Option<&mut Self> {
                match data {
                    Data::$type(data) => Some(data),
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            fn into_data(self) -> Data {
                Data::$type(self)
            }
        })+
    };
}

types! {
    Hash,
    List,
    Set,
    SortedSet,
    Stream,
}

impl Data {
    /// Reads a value from its small form.
    pub(crate) fn from_bytes(kind: Kind, bytes: &[u8], seed: HashSeed) -> Self {
        Value::from_bytes(kind, bytes, seed).to_data()
    }
}
