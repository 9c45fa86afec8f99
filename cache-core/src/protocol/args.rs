//! The arguments of one command: spans over the bytes that carried them.

use alloc::vec::Vec;
use core::ops::Range;

/// Where an argument lies in its buffer: start and end.
pub(crate) type Span = (u32, u32);

/// The arguments of one command, name first, borrowed from the bytes that carried them.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    pub(crate) fn new(bytes: &'a [u8], spans: &'a [Span]) -> Self {
        Args { bytes, spans }
    }

    /// How many there are, the command's name included.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is not even a name.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `i`, or an empty string past the end.
    ///
    /// Arity is checked before a handler runs, so a handler asks for what is there.
    pub fn at(&self, i: usize) -> &'a [u8] {
        self.get(i).unwrap_or_default()
    }

    /// Argument `i`, if there is one.
    pub fn get(&self, i: usize) -> Option<&'a [u8]> {
        let &(start, end) = self.spans.get(i)?;
        self.bytes.get(start as usize..end as usize)
    }

    /// The arguments from `first` on.
    pub fn from(&self, first: usize) -> Args<'a> {
        Args { bytes: self.bytes, spans: self.spans.get(first..).unwrap_or_default() }
    }

    /// The arguments in `range`, cut to what is there.
    pub fn slice(&self, range: Range<usize>) -> Args<'a> {
        let end = range.end.min(self.spans.len());
        Args { bytes: self.bytes, spans: self.spans.get(range.start..end).unwrap_or_default() }
    }

    /// All of them in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + use<'a> {
        let bytes = self.bytes;
        self.spans.iter().map(move |&(s, e)| bytes.get(s as usize..e as usize).unwrap_or_default())
    }

    /// Their sizes added up, in bytes.
    pub fn total_len(&self) -> usize {
        self.spans.iter().map(|&(s, e)| (e - s) as usize).sum()
    }
}

impl core::fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|a| alloc::string::String::from_utf8_lossy(a)))
            .finish()
    }
}

/// Bytes that a command takes beyond its arguments, as accounted.
const FRAME_OVERHEAD: usize = 64;

/// A command that owns its bytes: what MULTI queues and what a suspended command keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl Frame {
    /// The borrowed form.
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }

    /// Bytes held, for limits and accounting: the same on every platform.
    pub fn size(&self) -> usize {
        FRAME_OVERHEAD + self.bytes.len() + self.spans.len() * size_of::<Span>()
    }

    /// Adds an argument at the end.
    pub fn push(&mut self, arg: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(arg);
        self.spans.push((start, self.bytes.len() as u32));
    }
}

impl From<Args<'_>> for Frame {
    fn from(args: Args<'_>) -> Self {
        args.iter().collect()
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Frame {
    fn from_iter<I: IntoIterator<Item = T>>(args: I) -> Self {
        let mut frame = Frame::default();
        for arg in args {
            frame.push(arg.as_ref());
        }
        frame
    }
}
