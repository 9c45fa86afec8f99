//! BITOP: strings combined bit by bit.

use crate::commands::arguments::is_word;
use crate::commands::{Error, Flow, Outcome};
use crate::config::Class;
use crate::node::Cx;
use crate::observer::Observer;
use alloc::vec::Vec;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
}

impl Operation {
    fn parse(word: &[u8]) -> Result<Self, Error> {
        let all = [
            ("and", Operation::And),
            ("or", Operation::Or),
            ("xor", Operation::Xor),
            ("not", Operation::Not),
        ];
        let found = all.into_iter().find(|(name, _)| is_word(word, name));
        found.map(|(_, operation)| operation).ok_or(Error::Syntax)
    }

    /// Combines what has been gathered with one more string; the shorter one goes on in zeros.
    fn apply(self, gathered: &mut Vec<u8>, next: &[u8]) {
        let both = gathered.len().min(next.len());
        if gathered.len() < next.len() {
            gathered.resize(next.len(), 0);
        }
        let pairs = gathered.iter_mut().zip(next);
        match self {
            Operation::And => {
                pairs.for_each(|(a, b)| *a &= b);
                gathered[both..].fill(0);
            }
            Operation::Or => pairs.for_each(|(a, b)| *a |= b),
            Operation::Xor => pairs.for_each(|(a, b)| *a ^= b),
            Operation::Not => {}
        }
    }
}

pub(super) fn bitop<O: Observer>(cx: &mut Cx<'_, O>) -> Outcome {
    let (target, sources) = (cx.args.at(2), cx.args.from(3));
    let operation = Operation::parse(cx.args.at(1))?;
    if operation == Operation::Not && sources.len() != 1 {
        return Err(Error::Text("ERR BITOP NOT must be called with a single source key."));
    }
    let mut gathered = cx.read_string(sources.at(0))?.0.unwrap_or_default().to_vec();
    for key in sources.from(1).iter() {
        operation.apply(&mut gathered, cx.read_string(key)?.0.unwrap_or_default());
    }
    if operation == Operation::Not {
        gathered.iter_mut().for_each(|byte| *byte = !*byte);
    }
    if gathered.is_empty() {
        cx.delete(target);
    } else {
        cx.put_string(target, &gathered, None);
        cx.notify(Class::STRING, "set", target);
    }
    cx.out().count(gathered.len());
    Ok(Flow::Done)
}
