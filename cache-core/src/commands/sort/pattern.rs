//! The patterns of BY and GET: names of keys, and of fields of hashes, with an element in the middle.

use crate::commands::Error;
use crate::node::Cx;
use crate::observer::Observer;
use crate::protocol::Reply;
use crate::types::{Value, View as _};
use alloc::vec::Vec;

#[derive(Clone, Copy, Debug)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// No place for an element: no key at all.
    Constant,
    /// `before*behind`, `before*behind->field`.
    Key { before: &'a [u8], behind: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = text.iter().position(|&byte| byte == b'*') else {
            return Pattern::Constant;
        };
        let (before, rest) = (&text[..star], &text[star + 1..]);
        let arrow = rest.windows(2).position(|two| two == b"->").filter(|at| at + 2 < rest.len());
        let (behind, field) = match arrow {
            Some(at) => (&rest[..at], Some(&rest[at + 2..])),
            None => (rest, None),
        };
        Pattern::Key { before, behind, field }
    }

    /// Whether it means the same for all elements.
    pub(super) fn is_constant(self) -> bool {
        !matches!(self, Pattern::Key { .. })
    }

    /// Gives what it means for an element to `take`, with the reply.
    pub(super) fn read<O: Observer>(
        self,
        cx: &mut Cx<'_, O>,
        element: &[u8],
        take: &mut impl FnMut(&mut Reply, Option<&[u8]>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (before, behind, field) = match self {
            Pattern::Element => return take(cx.out(), Some(element)),
            Pattern::Constant => return take(cx.out(), None),
            Pattern::Key { before, behind, field } => (before, behind, field),
        };
        let key: Vec<u8> = [before, element, behind].concat();
        let now_ms = cx.seen_at_ms();
        let (value, out) = cx.read(&key);
        let found = match (value, field) {
            (Some(Value::String(bytes)), None) => Some(bytes),
            (Some(Value::Hash(hash)), Some(field)) => hash.at(now_ms).get(field),
            _ => None,
        };
        take(out, found)
    }
}
