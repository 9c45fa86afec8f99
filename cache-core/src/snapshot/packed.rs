//! Values in a small form, as they lay in Redis's memory: listpacks, ziplists, zipmaps and intsets.
//!
//! Nothing that they say of themselves is believed: each length is held against what is there.

use super::input::{Input, Read, Stop, bad};

/// How entries are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Listpack,
    Ziplist,
    Zipmap,
    Intset,
}

/// A string, or one that spells an integer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Text(&'a [u8]),
    Integer(i64),
}

impl<'a> Item<'a> {
    /// The string.
    pub(super) fn text<'b>(&self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Item::Text(text) => text,
            Item::Integer(number) => digits.format(*number).as_bytes(),
        }
    }
}

/// The end of a listpack, a ziplist and a zipmap.
const END: u8 = 0xff;
/// What stands for a number of entries that two bytes can't hold.
const UNCOUNTED: u16 = u16::MAX;

/// Entries of a packed value, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a> {
    form: Form,
    input: Input<'a>,
    /// How many are left, where that is told.
    left: Option<u64>,
    /// Bytes of the entry before, in a ziplist; of each, in an intset.
    width: usize,
    /// Where a ziplist says that its last entry begins.
    last: usize,
    /// Whether a zipmap's name was read, and its value is next.
    in_pair: bool,
    previous: Option<i64>,
}

/// What ends in the middle won't go on.
fn whole<T>(read: Read<T>) -> Read<T> {
    match read {
        Err(Stop::More) => bad("a packed value ends in the middle of something"),
        read => read,
    }
}

impl<'a> Items<'a> {
    pub(super) fn open(form: Form, bytes: &'a [u8]) -> Read<Self> {
        whole(Self::read_head(form, bytes))
    }

    fn read_head(form: Form, bytes: &'a [u8]) -> Read<Self> {
        let mut input = Input::new(bytes);
        let left;
        let (mut width, mut last) = (0, 0);
        if matches!(form, Form::Listpack | Form::Ziplist) {
            if u64::from(input.u32_le()?) != bytes.len() as u64 {
                return bad("a packed value is not as long as it says");
            }
            if form == Form::Ziplist {
                last = input.u32_le()? as usize;
            }
            let count = u16::from_le_bytes(input.array()?);
            left = (count != UNCOUNTED).then_some(u64::from(count));
        } else if form == Form::Intset {
            width = input.u32_le()? as usize;
            let len = u64::from(input.u32_le()?);
            if !matches!(width, 2 | 4 | 8) || len * width as u64 != input.rest().len() as u64 {
                return bad("a set of integers is not as long as it says");
            }
            left = Some(len);
        } else {
            // How many it has; from 254 on they have to be counted.
            let count = input.byte()?;
            left = (count < 254).then_some(2 * u64::from(count));
        }
        Ok(Items { form, input, left, width, last, in_pair: false, previous: None })
    }

    /// How many there are, where that is told.
    pub(super) fn told(&self) -> Option<u64> {
        self.left
    }

    /// The next one; `None` behind the last.
    pub(super) fn next(&mut self) -> Read<Option<Item<'a>>> {
        whole(self.read())
    }

    /// One that must be there.
    pub(super) fn must(&mut self) -> Read<Item<'a>> {
        match self.next()? {
            Some(item) => Ok(item),
            None => bad("a packed value has too few entries"),
        }
    }

    /// An integer that must be there.
    pub(super) fn integer(&mut self) -> Read<i64> {
        match self.must()? {
            Item::Integer(number) => Ok(number),
            Item::Text(_) => bad("a string stands where an integer should"),
        }
    }

    fn read(&mut self) -> Read<Option<Item<'a>>> {
        let at_end = match self.form {
            Form::Intset => self.input.rest().is_empty(),
            _ => *self.input.rest().first().ok_or(Stop::More)? == END,
        };
        if at_end {
            return self.end();
        }
        self.left = match self.left {
            Some(0) => return bad("a packed value has more entries than it says"),
            left => left.map(|left| left - 1),
        };
        Ok(Some(match self.form {
            Form::Listpack => listpack(&mut self.input)?,
            Form::Ziplist => self.ziplist()?,
            Form::Zipmap => self.zipmap()?,
            Form::Intset => self.intset()?,
        }))
    }

    fn end(&mut self) -> Read<Option<Item<'a>>> {
        let behind = if self.form == Form::Intset { 0 } else { 1 };
        if self.left.is_some_and(|left| left > 0) || self.in_pair {
            return bad("a packed value has fewer entries than it says");
        }
        if self.input.rest().len() != behind {
            return bad("a packed value goes on behind its end");
        }
        if self.form == Form::Ziplist && self.last + self.width != self.input.at() {
            return bad("a packed value has its last entry elsewhere than it says");
        }
        Ok(None)
    }

    fn ziplist(&mut self) -> Read<Item<'a>> {
        let input = &mut self.input;
        let start = input.at();
        let before = match input.byte()? {
            0xfe => input.u32_le()? as usize,
            len => len.into(),
        };
        if before != self.width {
            return bad("a packed value has an entry whose forerunner is not as long as it says");
        }
        let head = input.byte()?;
        let item = match head {
            ..0x40 => Item::Text(input.take(head.into())?),
            0x40..0x80 => {
                let len = usize::from(head & 0x3f) << 8 | usize::from(input.byte()?);
                Item::Text(input.take(len)?)
            }
            0x80 => {
                let len = u32::from_be_bytes(input.array()?);
                Item::Text(input.take(len as usize)?)
            }
            0xc0 => Item::Integer(input.int::<2>()?),
            0xd0 => Item::Integer(input.int::<4>()?),
            0xe0 => Item::Integer(input.int::<8>()?),
            0xf0 => Item::Integer(input.int::<3>()?),
            0xfe => Item::Integer(input.int::<1>()?),
            0xf1..=0xfd => Item::Integer(i64::from(head & 0x0f) - 1),
            _ => return bad("a packed value has an entry of a kind that nobody knows"),
        };
        self.width = input.at() - start;
        Ok(item)
    }

    fn zipmap(&mut self) -> Read<Item<'a>> {
        let input = &mut self.input;
        let len = match input.byte()? {
            254 => input.u32_le()? as usize,
            END => return bad("a packed value has a field without a value"),
            len => len.into(),
        };
        let free = if self.in_pair { usize::from(input.byte()?) } else { 0 };
        let text = input.take(len)?;
        input.take(free)?;
        self.in_pair = !self.in_pair;
        Ok(Item::Text(text))
    }

    fn intset(&mut self) -> Read<Item<'a>> {
        let number = match self.width {
            2 => self.input.int::<2>()?,
            4 => self.input.int::<4>()?,
            _ => self.input.int::<8>()?,
        };
        if self.previous.is_some_and(|previous| previous >= number) {
            return bad("a set of integers is not in order");
        }
        self.previous = Some(number);
        Ok(Item::Integer(number))
    }
}

fn listpack<'a>(input: &mut Input<'a>) -> Read<Item<'a>> {
    let start = input.at();
    let head = input.byte()?;
    let low = |bits: u8| usize::from(head & ((1 << bits) - 1));
    let item = match head {
        ..0x80 => Item::Integer(head.into()),
        0x80..0xc0 => Item::Text(input.take(low(6))?),
        0xc0..0xe0 => {
            let number = low(5) << 8 | usize::from(input.byte()?);
            // 13 bits, the first of which is the sign.
            Item::Integer(((number as i64) ^ 0x1000) - 0x1000)
        }
        0xe0..0xf0 => {
            let len = low(4) << 8 | usize::from(input.byte()?);
            Item::Text(input.take(len)?)
        }
        0xf0 => {
            let len = input.u32_le()? as usize;
            Item::Text(input.take(len)?)
        }
        0xf1 => Item::Integer(input.int::<2>()?),
        0xf2 => Item::Integer(input.int::<3>()?),
        0xf3 => Item::Integer(input.int::<4>()?),
        0xf4 => Item::Integer(input.int::<8>()?),
        _ => return bad("a packed value has an entry of a kind that nobody knows"),
    };
    let (back, len) = back_length(input.at() - start);
    if input.take(len)? != back.get(..len).unwrap_or_default() {
        return bad("a packed value has an entry that is not as long as it says");
    }
    Ok(item)
}

/// An entry's length as a listpack has it behind the entry, to be read from its end: seven bits a
/// byte. (The greatest number of each width takes a byte more than it needs.)
fn back_length(len: usize) -> ([u8; 5], usize) {
    let width = match len {
        ..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    };
    let mut back = [0; 5];
    for (i, byte) in back.iter_mut().take(width).enumerate() {
        let bits = (len >> (7 * (width - 1 - i))) as u8 & 0x7f;
        *byte = if i == 0 { bits } else { bits | 0x80 };
    }
    (back, width)
}

/// Makes a listpack.
#[derive(Clone, Debug, Default)]
pub(super) struct Listpack {
    bytes: alloc::vec::Vec<u8>,
    count: u64,
}

/// Bytes of a listpack's head.
const HEAD: usize = 6;

impl Listpack {
    /// Begins a new one.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(HEAD, 0);
        self.count = 0;
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        let start = self.bytes.len();
        let len = text.len();
        match len {
            ..0x40 => self.bytes.push(0x80 | len as u8),
            0x40..0x1000 => self.bytes.extend_from_slice(&(0xe000 | len as u16).to_be_bytes()),
            _ => {
                self.bytes.push(0xf0);
                self.bytes.extend_from_slice(&(len as u32).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(text);
        self.end(start);
    }

    pub(super) fn integer(&mut self, number: i64) {
        let start = self.bytes.len();
        let (head, len) = match number {
            0..0x80 => (number as u8, 0),
            -0x1000..0x1000 => {
                let bits = (0xc000 | (number as u16 & 0x1fff)).to_be_bytes();
                self.bytes.extend_from_slice(&bits);
                return self.end(start);
            }
            -0x8000..0x8000 => (0xf1, 2),
            -0x80_0000..0x80_0000 => (0xf2, 3),
            -0x8000_0000..0x8000_0000 => (0xf3, 4),
            _ => (0xf4, 8),
        };
        self.bytes.push(head);
        self.bytes.extend_from_slice(number.to_le_bytes().get(..len).unwrap_or_default());
        self.end(start);
    }

    fn end(&mut self, start: usize) {
        let (back, len) = back_length(self.bytes.len() - start);
        self.bytes.extend_from_slice(back.get(..len).unwrap_or_default());
        self.count += 1;
    }

    /// It as a whole.
    pub(super) fn finish(&mut self) -> &[u8] {
        self.bytes.push(END);
        let count = u16::try_from(self.count).unwrap_or(UNCOUNTED).to_le_bytes();
        let [a, b, c, d] = (self.bytes.len() as u32).to_le_bytes();
        let head = [a, b, c, d, count[0], count[1]];
        self.bytes.iter_mut().zip(head).for_each(|(byte, head)| *byte = head);
        &self.bytes
    }
}
