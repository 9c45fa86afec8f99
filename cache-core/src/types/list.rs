//! The list: strings in an order that is the users' own.
//!
//! A list is one run of elements while that is short, and a tree of such runs when it is long. A run
//! of few bytes lies in the key's record. Which of the two names Redis would give a list's form
//! depends on `list-max-listpack-size` and on what the list was before; it is noted beside the form
//! and decides nothing here.

mod chunk;
mod run;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use run::Element;
pub(crate) use view::ListView;

use super::Structure;
use super::tree::{Chunk as _, NODE_OVERHEAD, Tree};
use crate::hash::HashSeed;
use chunk::{Chunk, Growth};
use core::ops::Range;
use view::Whole;

pub(crate) use super::tree::End;

/// Bytes of a run that may lie in a key's record.
const IN_RECORD: usize = 960;
/// Bytes of a tree that is made one run again.
const ONE_AGAIN: u64 = Chunk::LIMIT.bytes / 4;

#[derive(Clone, Debug)]
enum Form {
    One(Chunk),
    /// A tree, and whether Redis would call it a quicklist.
    Many(Tree<Chunk>, bool),
}

/// A list to change.
#[derive(Clone, Debug)]
pub(crate) struct List(Form);

/// How large a list may be that Redis calls a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    entries: u64,
    bytes: u64,
}

impl Packed {
    /// As `list-max-listpack-size` says it: so many elements, or, if negative, -1 to -5 for 4 to 64
    /// KiB.
    pub(crate) fn of(setting: i64) -> Self {
        match setting {
            0.. => Packed { entries: setting.unsigned_abs().max(1), bytes: 8192 },
            _ => {
                let power = setting.unsigned_abs().min(5) - 1;
                Packed { entries: u64::MAX, bytes: 4096 << power }
            }
        }
    }
}

impl Structure for List {
    type View<'a> = ListView<'a>;

    const NAME: &'static str = "list";
    const TAG: u8 = b'l';

    fn new(_: HashSeed) -> Self {
        List(Form::One(Chunk::default()))
    }

    fn view(&self) -> ListView<'_> {
        match &self.0 {
            Form::One(chunk) => ListView(Whole::One(chunk.run())),
            Form::Many(tree, quick) => ListView(Whole::Many(tree, *quick)),
        }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::One(chunk) if chunk.run().0.len() <= IN_RECORD => Some(chunk.run().0),
            _ => None,
        }
    }

    fn size(&self) -> u64 {
        match &self.0 {
            Form::One(chunk) => chunk.run().0.len() as u64,
            Form::Many(tree, _) => tree.size(),
        }
    }

    fn drop_some(&mut self) -> bool {
        match &mut self.0 {
            Form::One(_) => false,
            Form::Many(tree, _) => tree.drop_some(),
        }
    }
}

impl List {
    pub(crate) fn len(&self) -> u64 {
        match &self.0 {
            Form::One(chunk) => chunk.len() as u64,
            Form::Many(tree, _) => tree.len(),
        }
    }

    /// Bytes of its elements, about as many as they would take in a listpack.
    fn bytes(&self) -> u64 {
        match &self.0 {
            Form::One(chunk) => chunk.bytes() as u64,
            Form::Many(tree, _) => tree.size() - NODE_OVERHEAD,
        }
    }

    /// Notes that so many elements with so many bytes are about to be added.
    pub(crate) fn will_grow(&mut self, entries: usize, bytes: usize, packed: Packed) {
        let entries = self.len().saturating_add(entries as u64);
        let bytes = self.bytes().saturating_add(bytes as u64);
        if entries > packed.entries || bytes > packed.bytes {
            self.set_quick(true);
        }
    }

    /// Notes that it may have become smaller.
    pub(crate) fn has_shrunk(&mut self, packed: Packed) {
        if self.len() <= packed.entries / 2 && self.bytes() <= packed.bytes / 2 {
            self.set_quick(false);
        }
        if matches!(&self.0, Form::Many(tree, _) if tree.size() - NODE_OVERHEAD <= ONE_AGAIN) {
            self.make_one();
        }
    }

    /// Sets memory aside for so many elements with so many bytes that are about to be pushed.
    pub(crate) fn reserve(&mut self, end: End, entries: usize, bytes: usize) {
        let size = bytes.saturating_add(entries.saturating_mul(Element::Text(b"").size()));
        if let Form::One(chunk) = &mut self.0
            && entries > 1
            && chunk.bytes().saturating_add(size) as u64 <= Chunk::LIMIT.bytes
        {
            chunk.make_room(end, size, Growth::Tight);
        }
    }

    /// Notes whether Redis would call it a quicklist.
    pub(crate) fn set_quick(&mut self, is: bool) {
        match &mut self.0 {
            Form::One(chunk) if chunk.run().is_quick() != is => chunk.set_quick(is),
            Form::One(_) => {}
            Form::Many(_, quick) => *quick = is,
        }
    }

    /// Makes one run of a tree's chunks.
    #[cold]
    fn make_one(&mut self) {
        let Form::Many(tree, quick) = &self.0 else { return };
        let mut one = Chunk::default();
        for chunk in tree.chunks() {
            one.append(chunk);
        }
        one.set_quick(*quick);
        self.0 = Form::One(one);
    }

    /// Makes a tree of the one run, if that has no room for so many bytes more.
    fn spread(&mut self, bytes: usize) {
        if let Form::One(chunk) = &mut self.0
            && !chunk.has_room(bytes)
        {
            let quick = chunk.run().is_quick();
            self.0 = Form::Many(Tree::from_chunks([core::mem::take(chunk)]), quick);
        }
    }

    /// Adds an element at an end.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn push(&mut self, end: End, bytes: &[u8]) {
        let element = Element::of(bytes);
        self.spread(element.size());
        match &mut self.0 {
            Form::One(chunk) => chunk.push(end, element, Growth::Tight),
            Form::Many(tree, _) => {
                let push = |chunk: &mut Chunk| chunk.push(end, element, Growth::Full);
                tree.edit_end(end, element.size() as u64, push);
            }
        }
    }

    /// Takes the element at an end off and shows it before it goes. `None`: there is none.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn pop<R>(&mut self, end: End, f: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        match &mut self.0 {
            Form::One(chunk) => chunk.pop(end, f),
            Form::Many(tree, _) => {
                let at = tree.end(end)?;
                tree.edit(&at, |chunk| chunk.pop(end, f))?
            }
        }
    }

    /// Takes elements out, as a list of their own: to be read, or to be freed by and by.
    pub(crate) fn cut(&mut self, ranks: Range<u64>) -> List {
        let range = ranks.start.min(self.len())..ranks.end.min(self.len());
        match &mut self.0 {
            _ if range.is_empty() => List(Form::One(Chunk::default())),
            Form::One(chunk) => {
                List(Form::One(chunk.cut(range.start as usize..range.end as usize)))
            }
            Form::Many(tree, quick) => List(Form::Many(tree.remove(range), *quick)),
        }
    }

    /// Puts another element in an element's place. `false`: there is none there.
    pub(crate) fn set(&mut self, rank: u64, bytes: &[u8]) -> bool {
        if rank >= self.len() {
            return false;
        }
        if self.len() > 1 {
            self.spread(Element::of(bytes).size());
        }
        self.replace(rank, 1, bytes);
        true
    }

    /// Puts an element before the one of a rank, or behind the last.
    pub(crate) fn insert(&mut self, rank: u64, bytes: &[u8]) {
        if rank >= self.len() {
            return self.push(End::Last, bytes);
        }
        self.spread(Element::of(bytes).size());
        self.replace(rank, 0, bytes);
    }

    /// Replaces so many elements, none or one.
    fn replace(&mut self, rank: u64, count: usize, with: &[u8]) {
        let with = Some(Element::of(with));
        match &mut self.0 {
            Form::One(chunk) => chunk.replace(rank as usize, count, with),
            Form::Many(tree, _) => {
                if let Some((at, index)) = tree.seek(rank) {
                    tree.edit(&at, |chunk| chunk.replace(index as usize, count, with));
                }
            }
        }
    }

    /// Removes elements that are the same as one, from an end on, at most so many. Says how many.
    pub(crate) fn remove_equal(&mut self, bytes: &[u8], from: End, most: u64) -> u64 {
        let wanted = Element::of(bytes);
        match &mut self.0 {
            Form::One(chunk) => {
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                chunk.remove_equal(wanted, 0..chunk.len(), from, most) as u64
            }
            Form::Many(tree, _) => remove_equal(tree, wanted, from, most),
        }
    }
}

/// Goes through a tree chunk by chunk: ranks tell where, since a chunk that has lost elements may be
/// joined with another.
fn remove_equal(tree: &mut Tree<Chunk>, wanted: Element<'_>, from: End, most: u64) -> u64 {
    let (mut start, mut end, mut removed) = (0, tree.len(), 0);
    while start < end && removed < most {
        let seen = if from == End::First { start } else { end - 1 };
        let Some((at, index)) = tree.seek(seen) else { break };
        let Some(chunk) = tree.chunk(&at) else { break };
        let index = index as usize;
        let within = if from == End::First { index..chunk.len() } else { 0..index + 1 };
        let len = within.len() as u64;
        let mut gone = 0;
        if chunk.run().count(wanted, within.clone()) > 0 {
            let most = usize::try_from(most - removed).unwrap_or(usize::MAX);
            let edit = |chunk: &mut Chunk| chunk.remove_equal(wanted, within, from, most) as u64;
            gone = tree.edit(&at, edit).unwrap_or(0);
        }
        removed += gone;
        match from {
            End::First => {
                start += len - gone;
                end -= gone;
            }
            End::Last => end -= len,
        }
    }
    removed
}
