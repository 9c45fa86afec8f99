//! What is known of a client: which of its commands have been answered.

use std::collections::VecDeque;

use anyhow::Result;
use cache_core::protocol::{Value, display};

use crate::normalise;
use crate::run::Difference;
use crate::story::{self, Words};

/// What is known of a client.
#[derive(Default)]
pub(crate) struct Client {
    /// Commands that have not been answered.
    pub(crate) waiting: VecDeque<Words>,
    /// Whether the first of them has been answered by messages.
    pub(crate) told: bool,
    /// What EXEC will run.
    pub(crate) queued: Option<Vec<Words>>,
}

impl Client {
    /// Finds which command each reply answers, and compares them, unless `theirs` are the same.
    pub(crate) fn compare(
        &mut self,
        client: usize,
        ours: &[Value],
        theirs: Option<&[Value]>,
    ) -> Option<Difference> {
        let theirs_or_ours = theirs.unwrap_or(ours);
        for at in 0..ours.len().max(theirs_or_ours.len()) {
            let (our, their) = (ours.get(at), theirs_or_ours.get(at));
            let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), display::show);
            let different = |command| {
                Some(Difference { client, command, ours: shown(our), theirs: shown(their) })
            };
            let (Some(our), Some(their)) = (our, their) else {
                return different(self.waiting.front().cloned());
            };
            if let Some(kind) = message(our) {
                self.hear(kind);
                if theirs.is_some() && our != their {
                    return different(None);
                }
                continue;
            }
            let Some(words) = self.answered(our) else { return different(None) };
            let queued = self.ran(&words, our);
            if theirs.is_some() && !normalise::same(&words, &queued, our, their) {
                return different(Some(words));
            }
        }
        None
    }

    /// A message has come.
    fn hear(&mut self, kind: &str) {
        while let Some(first) = self.waiting.front() {
            if story::name(first) == kind {
                self.told = true;
                return;
            }
            if !self.told {
                return;
            }
            self.waiting.pop_front();
            self.told = false;
        }
    }

    /// The command that is answered by this.
    fn answered(&mut self, value: &Value) -> Option<Words> {
        if std::mem::take(&mut self.told) {
            self.waiting.pop_front();
        }
        let words = self.waiting.pop_front()?;
        if let (Some(queued), Value::Simple(text)) = (&mut self.queued, value)
            && text == "QUEUED"
        {
            queued.push(words.clone());
        }
        Some(words)
    }

    /// Follows transactions; gives the commands that this one ran.
    fn ran(&mut self, words: &Words, value: &Value) -> Vec<Words> {
        match story::name(words).as_str() {
            "multi" if !matches!(value, Value::Error(_)) => self.queued = Some(Vec::new()),
            "exec" if words.len() == 1 => return self.queued.take().unwrap_or_default(),
            "discard" | "reset" if words.len() == 1 => self.queued = None,
            _ => {}
        }
        Vec::new()
    }
}

/// The kind of a message that is no command's reply.
fn message(value: &Value) -> Option<&str> {
    let (Value::Push(items) | Value::Array(items)) = value else { return None };
    let kind = items.first()?.as_text()?;
    let known = [
        "message",
        "pmessage",
        "smessage",
        "subscribe",
        "unsubscribe",
        "psubscribe",
        "punsubscribe",
        "ssubscribe",
        "sunsubscribe",
    ];
    (matches!(value, Value::Push(_)) || known.contains(&kind) && (3..=4).contains(&items.len()))
        .then_some(kind)
}

/// The replies that bytes hold, and how many bytes are left over.
pub(crate) fn values(bytes: &[u8]) -> Result<(Vec<Value>, usize)> {
    let (mut values, mut rest) = (Vec::new(), bytes);
    while let Some((value, used)) =
        Value::parse(rest).map_err(|e| anyhow::anyhow!("no RESP: {e:?}"))?
    {
        values.push(value);
        rest = &rest[used..];
    }
    Ok((values, rest.len()))
}
