//! A list to read where it lies.

use super::chunk::{Chunk, Run};
use super::run::{self, Element};
use super::{Form, List};
use crate::hash::HashSeed;
use crate::types::View;
use crate::types::tree::{Chunks, End, Tree};
use alloc::vec::Vec;

#[derive(Clone, Copy, Debug)]
pub(super) enum Whole<'a> {
    One(Run<'a>),
    /// A tree, and whether Redis would call it a quicklist.
    Many(&'a Tree<Chunk>, bool),
}

/// A list to read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListView<'a>(pub(super) Whole<'a>);

impl<'a> View<'a> for ListView<'a> {
    type Owned = List;

    fn small(bytes: &'a [u8], _: HashSeed) -> Self {
        ListView(Whole::One(Run(bytes)))
    }

    fn to_owned(self) -> List {
        List(match self.0 {
            Whole::One(run) => Form::One(Chunk::of(run)),
            Whole::Many(tree, quick) => Form::Many(tree.clone(), quick),
        })
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn encoding(&self) -> &'static str {
        let quick = match self.0 {
            Whole::One(run) => run.is_quick(),
            Whole::Many(_, quick) => quick,
        };
        if quick { "quicklist" } else { "listpack" }
    }

    /// A hash over all elements in order: they may be many.
    fn digest_into(&self, out: &mut Vec<u8>) {
        let seed = HashSeed::new(7, 8);
        let mut buffer = itoa::Buffer::new();
        let mut bytes = Vec::new();
        let hash = self.iter(0, End::Last).fold(0u64, |hash, element| {
            let element = element.bytes(&mut buffer);
            bytes.clear();
            bytes.extend_from_slice(&hash.to_le_bytes());
            bytes.extend_from_slice(&(element.len() as u64).to_le_bytes());
            bytes.extend_from_slice(element);
            seed.hash(&bytes)
        });
        out.extend_from_slice(&self.len().to_le_bytes());
        out.extend_from_slice(&hash.to_le_bytes());
    }
}

impl<'a> ListView<'a> {
    pub(crate) fn len(&self) -> u64 {
        match self.0 {
            Whole::One(run) => run.len() as u64,
            Whole::Many(tree, _) => tree.len(),
        }
    }

    /// The element of a rank, counted from 0.
    pub(crate) fn get(&self, rank: u64) -> Option<Element<'a>> {
        self.iter(rank, End::Last).next()
    }

    /// How many runs its elements lie in.
    pub(crate) fn runs(&self) -> u64 {
        match self.0 {
            Whole::One(_) => 1,
            Whole::Many(tree, _) => tree.chunks().count() as u64,
        }
    }

    /// The elements from the one of a rank to the end of its run, and how many they are.
    pub(crate) fn run(&self, rank: u64) -> Option<(Elements<'a>, u64)> {
        let (run, index) = match self.0 {
            Whole::One(run) => (run, rank as usize),
            Whole::Many(tree, _) => {
                let (at, index) = tree.seek(rank)?;
                (tree.chunk(&at)?.run(), index as usize)
            }
        };
        let count = run.len().checked_sub(index).filter(|&count| count > 0)?;
        let run = run.elements_from(index, End::Last);
        Some((Elements { run, chunks: None, toward: End::Last }, count as u64))
    }

    /// The elements from the one of a rank on, toward an end.
    pub(crate) fn iter(&self, rank: u64, toward: End) -> Elements<'a> {
        let none = Elements { run: &[], chunks: None, toward };
        match self.0 {
            _ if rank >= self.len() => none,
            Whole::One(run) => {
                Elements { run: run.elements_from(rank as usize, toward), chunks: None, toward }
            }
            Whole::Many(tree, _) => {
                let Some((at, index)) = tree.seek(rank) else { return none };
                let mut chunks = tree.chunks_from(at, toward);
                let Some(chunk) = chunks.next() else { return none };
                let run = chunk.run().elements_from(index as usize, toward);
                Elements { run, chunks: Some(chunks), toward }
            }
        }
    }
}

/// Elements, one after the other, toward an end.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a> {
    /// What is left of the run that is being walked.
    run: &'a [u8],
    /// The runs behind it.
    chunks: Option<Chunks<'a, Chunk>>,
    toward: End,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn next(&mut self) -> Option<Element<'a>> {
        let from = if self.toward == End::Last { End::First } else { End::Last };
        if let Some(element) = run::take(&mut self.run, from) {
            return Some(element);
        }
        self.run = self.chunks.as_mut()?.next()?.run().elements();
        run::take(&mut self.run, from)
    }
}
